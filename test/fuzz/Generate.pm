# test/fuzz/Generate.pm: a random program in PL/pgSQL: the function node(), and those that it calls.
#
# All that a program does is the same at any time: no now(), no random(), no order that is not asked for.  And since a
# pause commits, three things would differ rightly, and are left out: an error after a pause, in a block with EXCEPTION
# in which something was written before it (see exception_block()); a loop over a volatile query; a cursor.
#
# A context says what may stand at a place: {vars, pause, write, raise, loops, labels, depth, handler, ret, ...}.
package Generate;
use strict;
use warnings;

our @EXPORT_OK = qw(program);

# ------------------------------------------------------------------------------------------------------- dice

sub dice { my ($n) = @_; return int(rand($n)) }
sub chance { my ($p) = @_; return rand() < $p }
sub pick { return $_[ dice(scalar @_) ] }
sub quote { my ($s) = @_; $s =~ s/'/''/g; return $s =~ /\\/ ? "E'" . ($s =~ s/\\/\\\\/gr) . "'" : "'$s'" }

# One of [weight, value]s.
sub weighted {
	my $sum = 0;
	$sum += $_->[0] for @_;
	my $at = rand($sum);
	for (@_) { return $_->[1] if ($at -= $_->[0]) < 0 }
	return $_[-1][1];
}

# ------------------------------------------------------------------------------------------------------ types

my @texts = ('', 'a', "it's", "two\nlines", "tab\there", 'back\\slash', '"quoted"', '{a,b}', '(1,2)', ' blanks ', 'NULL', 'null',
	"\xc3\xa4\xc3\xb6\xe2\x82\xac", '$f', '%', '[0:1]={}', "\\N", ',', ';', '--', 'true', '\\"x\\"', "\xf0\x9f\x98\x80");

# name => {sql, lits: texts of literals (undef is NULL), ops: of an expression another one, array, elem, field}
# Operations hold for all values of the type, so that nothing fails that is not meant to.
my %types = (
	int => { lits => [ undef, 0, 1, -1, 2, 3, 7, 42, 2147483647, -2147483648 ],
		ops => [ sub { "($_[0] % 1000) + " . dice(9) }, sub { "-($_[0] % 100)" }, sub { "coalesce($_[0], " . dice(5) . ")" }, sub { "($_[0] % 7) * 3" } ] },
	bigint => { lits => [ undef, 0, '9223372036854775807', -5 ], ops => [ sub { "($_[0] % 1000) - 5" } ] },
	smallint => { lits => [ undef, 0, 32767, -32768 ], ops => [ sub { "(($_[0] % 100) + 1)::smallint" } ] },
	numeric => { lits => [ undef, '1.50', '-0.001', '12345678901234567890.12300', 'NaN', 'Infinity', '0', '1e-20' ], ops => [ sub { "$_[0] + 1.25" }, sub { "round($_[0], 1)" } ] },
	'numeric(8,2)' => { lits => [ undef, '1.255', '-99999.99', 'NaN' ], ops => [ sub { "($_[0] * 0.5)" } ] },
	text => { lits => [ undef, @texts ], ops => [ sub { "left($_[0] || " . quote(pick(@texts)) . ", 40)" }, sub { "upper($_[0])" }, sub { "coalesce($_[0], 'none')" }, sub { "reverse($_[0])" } ] },
	'varchar(12)' => { lits => [ undef, 'a', "\xc3\xa4b ", "it's", 'twelve chars' ], ops => [ sub { "left($_[0] || 'x', 12)" } ] },
	'char(5)' => { lits => [ undef, 'a', 'abcde', '' ], ops => [ sub { "left($_[0] || 'y', 5)" } ] },
	boolean => { lits => [ undef, 'true', 'false' ], ops => [ sub { "NOT $_[0]" }, sub { "$_[0] IS NULL" } ] },
	timestamptz => { lits => [ undef, '2026-01-01 10:00:00.123456+02', 'infinity', '-infinity', '0044-03-15 12:00:00+00 BC', '1999-12-31 23:59:59.999999-11:30' ], ops => [ sub { "$_[0] + interval '1 day 00:00:01.5'" } ] },
	'timestamp(0)' => { lits => [ undef, '2026-02-28 23:59:59.7', 'infinity' ], ops => [ sub { "$_[0] + interval '1 mon'" } ] },
	date => { lits => [ undef, '2026-02-28', 'infinity', '0001-01-01 BC', '9999-12-31' ], ops => [ sub { "$_[0] + 1" } ] },
	time => { lits => [ undef, '00:00', '23:59:59.999999', '24:00:00' ], ops => [ sub { "$_[0] + interval '1 hour'" } ] },
	timetz => { lits => [ undef, '10:00:00+05:30', '23:59:59.5-08' ], ops => [] },
	interval => { lits => [ undef, '1 mon -2 days 03:04:05.6', '-1 year', '0', '100000:00:00.000001' ], ops => [ sub { "$_[0] + interval '1 day'" } ] },
	float8 => { lits => [ undef, 'NaN', 'Infinity', '-Infinity', '-0', '0.1', '1e-300', '1.7976931348623157e308', '3.3333333333333335' ], ops => [ sub { "$_[0] + 0.1::float8" }, sub { "-$_[0]" } ] },
	float4 => { lits => [ undef, 'NaN', '0.1', '3.4028235e38', '-0' ], ops => [ sub { "$_[0] + 0.3::float4" } ] },
	bytea => { lits => [ undef, '\\x', '\\x00ff275c', '\\x7b7d' ], ops => [ sub { "$_[0] || '\\x0a'::bytea" } ] },
	jsonb => { lits => [ undef, 'null', '{}', '[1, "a", null]', '{"a": {"b": [1.50, "\\"q\\""]}}', '"text"', '0', 'true' ], ops => [ sub { "jsonb_build_object('v', $_[0])" }, sub { "jsonb_build_array(1, $_[0])" } ] },
	json => { lits => [ undef, '{"a" :  1, "a": 2}', 'null', '"x"' ], ops => [ sub { "json_build_array($_[0])" } ] },
	uuid => { lits => [ undef, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '00000000-0000-0000-0000-000000000000' ], ops => [] },
	inet => { lits => [ undef, '10.1.2.3/8', '::1' ], ops => [] },
	'bit varying(8)' => { lits => [ undef, '1010', '' ], ops => [] },
	'"char"' => { lits => [ undef, 'x', '' ], ops => [] },
	name => { lits => [ undef, 'n"m', 'x' ], ops => [] },
	point => { lits => [ undef, '(1.5,-0)', '(NaN,Infinity)' ], ops => [] },
	tsvector => { lits => [ undef, "a:1 'it''s':2B" ], ops => [] },
	jsonpath => { lits => [ undef, '$.a[*] ? (@ > 1)' ], ops => [] },
	't.mood' => { lits => [ undef, 'sad', 'ok', 'so, "so"' ], ops => [] },
	't.posint' => { base => 'int', lits => [ undef, 1, 2147483647 ], ops => [ sub { "greatest(1, $_[0] % 100)" } ] },
	't.label' => { notnull => 1, lits => [ 'l', '', "it's" ], ops => [ sub { "left($_[0] || 'x', 20)" } ] },
	't.ints' => { lits => [ undef, '{}', '{1,2}', '[0:1]={NULL,5}' ], elem => 'int', ops => [] },
	't.dpt' => { lits => [ undef, '(1,a)', '(,)' ], ops => [] },
	'int4range' => { lits => [ undef, '[1,5)', 'empty', '(,)', '[3,3]' ], ops => [] },
	't.span' => { lits => [ undef, '[a,"b,c")', 'empty', '("x""y",)' ], ops => [] },
	'tstzrange' => { lits => [ undef, '[2026-01-01,2026-02-01)', '(,infinity]' ], ops => [] },
	'nummultirange' => { lits => [ undef, '{[1,2),[3,4.5)}', '{}' ], ops => [] },
	'int[]' => { elem => 'int', lits => [ undef, '{}', '{1,2,NULL}', '[0:2]={1,2,3}', '{7}', '[-2:-1]={5,6}' ], ops => [ sub { "$_[0] || " . dice(9) }, sub { "array_cat($_[0], '{1}')" } ] },
	'text[]' => { elem => 'text', lits => [ undef, '{}', q({a,"b c",NULL,"NULL","it's","q\"q","back\\\\s",""}), '[5:6]={x,y}' ], ops => [ sub { "$_[0] || 'z'::text" } ] },
	'numeric[]' => { elem => 'numeric', lits => [ undef, '{1.50,NaN}', '{}' ], ops => [ sub { "$_[0] || 2.50" } ] },
	'timestamptz[]' => { elem => 'timestamptz', lits => [ undef, '{"2026-01-01 00:00:00+01",infinity}' ], ops => [] },
	't.mood[]' => { elem => 't.mood', lits => [ undef, '{sad,"so, \\"so\\"",NULL}', '{}' ], ops => [] },
	't.pt[]' => { elem => 't.pt', lits => [ undef, '{}', '{"(1,a)","(,)",NULL}', '{"(2,\\"b c\\")","(3,\\"q\\"\\"q,\\")"}', '[0:0]={"(4,)"}' ], ops => [ sub { "$_[0] || ROW(5, 'e')::t.pt" } ] },
	'float8[]' => { elem => 'float8', lits => [ undef, '{NaN,-0,0.1}', '{Infinity}' ], ops => [] },
	'jsonb[]' => { elem => 'jsonb', lits => [ undef, '{"{\\"a\\": 1}",null,NULL}' ], ops => [] },
	'int4range[]' => { elem => 'int4range', lits => [ undef, '{"[1,5)",empty}' ], ops => [] },
	int2d => { sql => 'int[]', dims => 2, elem => 'int', lits => [ undef, '{{1,2},{3,4},{5,6}}', '[0:1][-1:0]={{1,2},{NULL,4}}', '{{9}}' ], ops => [] },
	text2d => { sql => 'text[]', dims => 2, elem => 'text', lits => [ q({{a,"b c"},{NULL,"it's"}}), '{{x},{y},{z}}' ], ops => [] },
	't.pt' => { comp => { a => 'int', b => 'text' }, lits => [ undef, '(1,a)', '(,)', q{(7,"it's ""q"" \\\\ , (")}, '(,"")' ], ops => [ sub { "ROW(coalesce(($_[0]).a, 0) % 50 + 1, ($_[0]).b)::t.pt" } ] },
	't.box' => { comp => { p => 't.pt', q => 't.pt[]', n => 'numeric(8,2)', m => 't.mood' }, lits => [ undef, '("(1,a)","{""(2,b)"",NULL}",3.456,sad)', '(,,,)', '("(,""x y"")",{},NaN,"so, ""so""")' ], ops => [] },
);
my @type_names = sort keys %types;
# those that programs are mostly made of
my @common = qw(int int int text text numeric jsonb boolean int[] t.pt text[] float8 timestamptz);

sub known { my ($t) = @_; return exists $types{$t} && $types{$t}{lits} }
sub sql_type { my ($t) = @_; return $types{$t}{sql} // $t }
sub any_type { return chance(0.5) ? pick(@common) : pick(@type_names) }

sub literal {
	my ($type, $not_null) = @_;
	my @lits = @{ $types{$type}{lits} };
	@lits = grep { defined } @lits if $not_null || $types{$type}{notnull};
	my $lit = pick(@lits);
	return 'NULL::' . sql_type($type) unless defined $lit;
	return $lit if $type eq 'int' && $lit >= 0 && chance(0.6);
	return quote($lit) . '::' . sql_type($type);
}

# ------------------------------------------------------------------------------------------------- variables

our $serial;        # for names
our @functions;     # made so far: {name, params, ret, pauses, writes, raises, ...}

sub fresh { my ($prefix) = @_; return $prefix . ++$serial }

# A variable: {name, type, const, notnull, counter}; type also: record, row, answer, answers, ask.
sub visible {
	my ($ctx, $filter) = @_;
	my (%seen, @found);
	for my $var (reverse @{ $ctx->{vars} }) {
		next if $seen{ $var->{name} }++;
		push @found, $var if $filter->($var);
	}
	return @found;
}

# A name as it stands in an expression: now and then with the label of its block in front.
sub name_of { my ($var) = @_; return $var->{qual} && chance(0.2) ? "$var->{qual}.$var->{name}" : $var->{name} }
sub qualify { my ($label, @vars) = @_; $_->{qual} = $label for @vars }

sub of_type { my ($ctx, $type) = @_; return visible($ctx, sub { $_[0]{type} eq $type && !$_[0]{bad} }) }

sub settable {
	my ($ctx, $type) = @_;
	return visible($ctx, sub { $_[0]{type} eq $type && !$_[0]{const} && !$_[0]{counter} && !$_[0]{bad} });
}

# How its value is shown: an answer without what is never the same twice.
sub shown {
	my ($var) = @_;
	my $name = $var->{name};
	return "t.plain($name)" if $var->{type} eq 'answer';
	return "(SELECT array_agg(t.plain(x)) FROM unnest($name) x)" if $var->{type} eq 'answers';
	return "t.plain($name.d), $name.n" if $var->{type} eq 'ask';
	return $name;
}

# ----------------------------------------------------------------------------------------------- expressions

sub expression {
	my ($ctx, $type, $depth) = @_;
	$depth //= 2;
	my @vars = of_type($ctx, $type);
	my @ways = ([ 3, sub { literal($type) } ]);
	push @ways, [ 6, sub { name_of(pick(@vars)) } ] if @vars;
	my @ops = @{ $types{$type}{ops} };
	push @ways, [ 3, sub { '(' . pick(@ops)->(expression($ctx, $type, $depth - 1)) . ')' } ] if @ops && $depth > 0;
	push @ways, [ 1, sub { '(CASE WHEN ' . condition($ctx, 0) . ' THEN ' . expression($ctx, $type, $depth - 1) . ' ELSE ' . literal($type) . ' END)' } ] if $depth > 0;
	if ($depth > 0) {
		for my $array (grep { ($types{$_}{elem} // '') eq $type && !$types{$_}{dims} } @type_names) {
			my @arrays = of_type($ctx, $array);
			push @ways, [ 1, sub { '(' . pick(@arrays)->{name} . ')[' . dice(4) . ']' } ] if @arrays;
		}
		if ($type eq 'int') {
			my @answers = of_type($ctx, 'answer');
			push @ways, [ 4, sub { 't.num(' . pick(@answers)->{name} . ')' } ] if @answers;
			my @pts = of_type($ctx, 't.pt');
			push @ways, [ 1, sub { '(' . pick(@pts)->{name} . ').a' } ] if @pts;
			push @ways, [ 1, sub { '(SELECT max(v) FROM t1)' } ], [ 1, sub { '(SELECT count(*)::int FROM t1)' } ] if $ctx->{tables};
			my @texts = of_type($ctx, 'text');
			push @ways, [ 1, sub { 'length(' . pick(@texts)->{name} . ')' } ] if @texts;
			push @ways, [ 1, sub { pick(@{ $ctx->{quick} }) . '(' . expression($ctx, 'int', 0) . ')' } ] if @{ $ctx->{quick} } && !$ctx->{in_query} && $ctx->{write};
		}
		if ($type eq 'text') {
			push @ways, [ 2, sub { 'SQLERRM' } ], [ 1, sub { 'SQLSTATE' } ] if $ctx->{handler};
			my $other = any_type();
			my @others = of_type($ctx, $other);
			push @ways, [ 2, sub { 'left(' . pick(@others)->{name} . '::text, 40)' } ] if @others;
			push @ways, [ 1, sub { '(SELECT string_agg(s, \'+\' ORDER BY k) FROM t1)' } ] if $ctx->{tables};
		}
		if ($type eq 'jsonb') {
			my @answers = of_type($ctx, 'answer');
			push @ways, [ 4, sub { 't.plain(' . pick(@answers)->{name} . ')' } ] if @answers;
			# not of what holds JSON itself: in a loop it would become twice as long each time
			my $other = pick(grep { !/json/ } @type_names);
			my @others = of_type($ctx, $other);
			push @ways, [ 2, sub { 'to_jsonb(' . pick(@others)->{name} . ')' } ] if @others;
		}
	}
	return weighted(@ways)->();
}

# One that is not NULL.
sub solid {
	my ($ctx, $type) = @_;
	return literal($type, 1) if chance(0.4);
	return 'coalesce(' . expression($ctx, $type, 1) . ', ' . literal($type, 1) . ')';
}

sub small { my ($ctx, $max) = @_; return chance(0.5) ? dice($max + 1) : 'abs(coalesce(' . expression($ctx, 'int', 1) . ', 1) % ' . ($max + 1) . ')' }

sub condition {
	my ($ctx, $depth) = @_;
	$depth //= 1;
	my @ways = ([ 2, sub { expression($ctx, 'int', $depth) . ' ' . pick('>', '<', '=', '<>') . ' ' . dice(5) } ], [ 1, sub { pick('true', 'FOUND', 'NOT FOUND') } ]);
	my @answers = of_type($ctx, 'answer');
	push @ways, [ 4, sub { pick(@answers)->{name} . "->>'type' = " . quote(pick(qw(approve reject respond))) } ] if @answers;
	my @bools = of_type($ctx, 'boolean');
	push @ways, [ 1, sub { pick(@bools)->{name} } ] if @bools;
	my @any = visible($ctx, sub { known($_[0]{type}) && !$_[0]{bad} });
	push @ways, [ 1, sub { '(' . pick(@any)->{name} . ') IS ' . pick('NULL', 'NOT NULL') } ] if @any;
	return weighted(@ways)->();
}

# ------------------------------------------------------------------------------------------------ declarations

# Some variables: their lines, and they are in scope from here on.
sub declare {
	my ($ctx, $n) = @_;
	my @lines;
	for (1 .. $n) {
		my $type = any_type();
		my $var = { name => fresh('v'), type => $type };
		my ($constant, $notnull, $value) = ('', '', '');
		if (chance(0.08)) { $constant = ' CONSTANT'; $var->{const} = 1 }
		if ($types{$type}{notnull} || chance(0.12)) { $notnull = ' NOT NULL' unless $types{$type}{notnull}; $var->{notnull} = 1 }
		if ($var->{notnull}) { $value = ' := ' . solid($ctx, $type) }
		elsif ($var->{const} || chance(0.7)) { $value = pick(' := ', ' DEFAULT ', ' = ') . expression($ctx, $type, 1) }
		# one of the same name further out
		if (chance(0.06)) {
			my @outer = visible($ctx, sub { $_[0]{name} =~ /^v\d+$/ });
			$var->{name} = pick(@outer)->{name} if @outer && $value !~ /v\d/;
			# twice in one block is no program
			$var->{name} = fresh('v') if grep { /^\Q$var->{name}\E / } @lines;
		}
		push @lines, "$var->{name}$constant " . sql_type($type) . "$notnull$value;";
		push @{ $ctx->{vars} }, $var;
	}
	return @lines;
}

sub declare_special {
	my ($ctx, $type, $sql, $value) = @_;
	my $var = { name => fresh(substr($type, 0, 1)), type => $type, notnull => scalar($sql =~ /NOT NULL/) };
	push @{ $ctx->{vars} }, $var;
	return "$var->{name} $sql" . ($value // '') . ';';
}

# What every function has.
sub declare_usual {
	my ($ctx) = @_;
	my @lines = (declare_special($ctx, 'answer', 'jsonb'));
	push @lines, declare_special($ctx, 'answer', 'jsonb NOT NULL', " := '{}'") if chance(0.3);
	push @lines, declare_special($ctx, 'answers', 'jsonb[]', pick('', " := '{}'")) if chance(0.3);
	push @lines, declare_special($ctx, 'ask', 't.ask') if chance(0.3);
	push @lines, declare_special($ctx, 'record', 'record') if chance(0.6);
	push @lines, declare_special($ctx, 'named', 'record', ' := ' . literal('t.pt', 1)) if chance(0.2);
	push @lines, declare_special($ctx, 'row', 't1%ROWTYPE') if chance(0.3) && $ctx->{tables};
	push @lines, declare_special($ctx, 'int', 't1.v%TYPE') if chance(0.2) && $ctx->{tables};
	push @lines, declare_special($ctx, 'cursor', 'refcursor') if chance(0.15) && $ctx->{tables};
	# to work with
	push @lines, declare_special($ctx, 'int', 'int', ' := ' . dice(4)), declare_special($ctx, 'text', 'text');
	return @lines;
}

# -------------------------------------------------------------------------------------------------- statements

sub inner { my ($ctx, %change) = @_; return { %$ctx, vars => [ @{ $ctx->{vars} } ], loops => [ @{ $ctx->{loops} } ], labels => [ @{ $ctx->{labels} } ], %change } }

sub statements {
	my ($ctx, $n) = @_;
	my @list;
	for (1 .. $n) { push @list, statement($ctx) }
	return \@list;
}

sub statement {
	my ($ctx) = @_;
	my $deep = $ctx->{depth} >= 5 || $ctx->{budget}[0] <= 0;
	$ctx->{budget}[0]--;
	my @ways = ([ 8, \&assignment ], [ 5, \&dump_all ], [ 1, \&select_into ], [ 1, \&diagnostics ], [ 0.3, sub { 'NULL;' } ], [ 0.4, \&raise_notice ]);
	push @ways, [ 5, \&dml ], [ 1, \&dynamic ] if $ctx->{write} && $ctx->{tables};
	push @ways, [ 1.5, \&cursor ] if of_type($ctx, 'cursor');
	push @ways, [ 7, \&site ] if $ctx->{pause};
	push @ways, [ 4, \&call ] if @functions;
	push @ways, [ 2, \&leave ] if @{ $ctx->{labels} } || @{ $ctx->{loops} };
	push @ways, [ 0.3, \&return_early ];
	push @ways, [ 1.5, \&failing ] if $ctx->{raise};
	push @ways, [ 2, \&handler_things ] if $ctx->{handler};
	push @ways, [ 4, \&branch ], [ 2, \&case ], [ 3, \&simple_block ], [ 5, \&exception_block ] unless $deep;
	push @ways, [ 1.5, \&plain_loop ], [ 3, \&integer_loop ], [ 3, \&row_loop ], [ 2, \&array_loop ], [ 2, \&execute_loop ] unless $deep || @{ $ctx->{loops} } >= 2;
	return weighted(@ways)->($ctx);
}

sub assignment {
	my ($ctx) = @_;
	my @vars = visible($ctx, sub { known($_[0]{type}) && !$_[0]{const} && !$_[0]{counter} && !$_[0]{bad} });
	my @records = settable($ctx, 'record');
	return record_assignment($ctx, pick(@records)) if @records && (chance(0.2) || !@vars);
	my @named = settable($ctx, 'named');
	return pick(@named)->{name} . ' := ' . solid($ctx, 't.pt') . ';' if @named && chance(0.15);
	return pick(@named)->{name} . '.' . pick('a := ' . expression($ctx, 'int'), 'b := ' . expression($ctx, 'text')) . ';' if @named && chance(0.1);
	my @rows = settable($ctx, 'row');
	return pick(@rows)->{name} . ' := ROW(' . expression($ctx, 'int') . ', ' . expression($ctx, 'int') . ', ' . expression($ctx, 'text') . ');' if @rows && chance(0.1);
	return 'NULL;' unless @vars;
	my $var = pick(@vars);
	my $type = $types{ $var->{type} };
	my $assign = pick(':=', ':=', '=');
	if ($type->{elem} && !$type->{dims} && chance(0.4)) {
		my $elem = $type->{elem};
		return "$var->{name}\[" . pick(1, 2, 3, small($ctx, 2)) . "] $assign " . expression($ctx, $elem) . ';' if $var->{type} ne 't.ints';
	}
	if ($type->{comp} && chance(0.5)) {
		my $field = pick(sort keys %{ $type->{comp} });
		return "$var->{name}.$field $assign " . expression($ctx, $type->{comp}{$field}) . ';' unless $var->{notnull};
	}
	if ($var->{type} eq 't.pt[]' && chance(0.3)) { return "$var->{name}\[" . pick(1, 2) . "].a $assign " . expression($ctx, 'int') . ';' }
	return "$var->{name} $assign " . ($var->{notnull} ? solid($ctx, $var->{type}) : expression($ctx, $var->{type})) . ';';
}

# Records have no fixed form: they get one, and are looked at as a whole only.  One that has had a value without a named
# type never gets one with, nor the other way round ("named"): PL/pgSQL's plans would not stand that, in one session.
sub record_assignment {
	my ($ctx, $var) = @_;
	return "$var->{name} := NULL;" if chance(0.1);
	my @types = map { any_type() } 1 .. 1 + dice(3);
	my @values = map { expression($ctx, $_, 1) } @types;
	push @values, 'ROW(' . expression($ctx, 'int', 1) . ", 'x'::text)" if chance(0.3);
	my $form = dice(3);
	return "$var->{name} := ROW(" . join(', ', @values) . ');' if $form == 0;
	my $n = 0;
	my $columns = join(', ', map { "$_ AS c" . ++$n } @values);
	return "SELECT $columns INTO $var->{name};" if $form == 1;
	return "EXECUTE " . quote("SELECT " . literal('int') . " AS c1, " . literal($types[0]) . ' AS c2') . " INTO $var->{name};";
}

sub dump_all {
	my ($ctx) = @_;
	my @vars = visible($ctx, sub { !$_[0]{bad} && $_[0]{type} ne 'cursor' });
	my @shown = map { shown($_) } @vars > 12 && chance(0.7) ? @vars[ 0 .. 11 ] : @vars;
	# an ask shows two
	my $values = join(', ', 'FOUND', @shown);
	my $count = 1 + @shown + grep { /^t\.plain\(.*\.d\), / } @shown;
	return 'RAISE NOTICE ' . quote(fresh('L') . ': ' . join(' / ', ('%') x $count)) . ", $values;";
}

sub raise_notice {
	my ($ctx) = @_;
	return 'RAISE ' . pick(qw(INFO WARNING NOTICE)) . ' USING MESSAGE = ' . solid($ctx, 'text') . ', DETAIL = ' . solid($ctx, 'text') . ';' if chance(0.4);
	return 'RAISE ' . pick(qw(INFO WARNING NOTICE)) . " '" . fresh('N') . " %%%', " . expression($ctx, any_type()) . ';';
}

sub select_into {
	my ($ctx) = @_;
	my $q = { %$ctx, in_query => 1 };
	my $strict = $ctx->{raise} && chance(0.4) ? 'STRICT ' : '';
	my @ints = settable($ctx, 'int');
	my @texts = settable($ctx, 'text');
	my @ok = grep { !$_->{notnull} } @ints;
	my @ok2 = grep { !$_->{notnull} } @texts;
	my @rows = (settable($ctx, 'row'), settable($ctx, 'record'));
	my $where = 'WHERE k = ' . expression($q, 'int', 1);
	return 'SELECT k, v, s INTO ' . $strict . pick(@rows)->{name} . " FROM t1 $where;" if @rows && $ctx->{tables} && chance(0.5);
	return "SELECT v, s INTO $strict" . pick(@ok)->{name} . ', ' . pick(@ok2)->{name} . " FROM t1 $where;" if @ok && @ok2 && $ctx->{tables};
	return 'PERFORM 1;' unless $ctx->{tables};
	return "PERFORM k FROM t1 $where;";
}

# A cursor that is closed again: a pause would close it.
sub cursor {
	my ($ctx) = @_;
	my ($cursor) = settable($ctx, 'cursor');
	my @rows = settable($ctx, 'row');
	my @records = settable($ctx, 'record');
	my $into = @rows && chance(0.5) ? pick(@rows)->{name} : @records ? pick(@records)->{name} : undef;
	my $open = chance(0.7) ? "OPEN $cursor->{name} FOR SELECT k, v, s FROM t1 ORDER BY k;" : "OPEN $cursor->{name} FOR EXECUTE 'SELECT k, v, s FROM t1 WHERE k > \$1 ORDER BY k' USING " . expression($ctx, 'int', 1) . ';';
	return ($open, defined $into ? "FETCH $cursor->{name} INTO $into;" : "MOVE $cursor->{name};", chance(0.5) ? dump_all($ctx) : (), "CLOSE $cursor->{name};");
}

sub diagnostics {
	my ($ctx) = @_;
	my @ints = settable($ctx, 'int');
	return 'NULL;' unless @ints;
	return 'GET DIAGNOSTICS ' . pick(@ints)->{name} . ' = ROW_COUNT;';
}

# In a query no function that writes is called: how often it is, and when, depends on where the rows lie.
sub dml {
	my ($ctx) = @_;
	$ctx = { %$ctx, in_query => 1 };
	my $new = '(SELECT coalesce(max(k), 0) + 1 FROM t1)';
	my @ints = grep { !$_->{notnull} } settable($ctx, 'int');
	my $into = @ints ? ' RETURNING v INTO ' . pick(@ints)->{name} : '';
	my $int = sub { expression($ctx, 'int', 1) };
	my $text = sub { expression($ctx, 'text', 1) };
	return weighted(
		[ 3, sub { "INSERT INTO t1 VALUES ($new, " . $int->() . ', ' . $text->() . ')' . (chance(0.3) ? $into : '') . ';' } ],
		[ 3, sub { 'UPDATE t1 SET v = ' . $int->() . ', s = ' . $text->() . ' WHERE k = ' . small($ctx, 4) . (chance(0.3) ? $into : '') . ';' } ],
		[ 1, sub { 'UPDATE t1 SET v = (v % 100) + 1 WHERE k % 2 = ' . dice(2) . ';' } ],
		[ 1, sub { 'DELETE FROM t1 WHERE k = ' . small($ctx, 6) . (chance(0.3) ? $into : '') . ';' } ],
		[ 1, sub { 'INSERT INTO t1 VALUES (' . small($ctx, 5) . ', ' . $int->() . ', ' . $text->() . ") ON CONFLICT (k) DO UPDATE SET s = t1.s || 'c', v = excluded.v;" } ],
		[ 2, sub { 'INSERT INTO t2 VALUES ((SELECT coalesce(max(k), 0) + 1 FROM t2), ' . join(', ', map { expression($ctx, $_, 1) } 't.pt', 'numeric', 'timestamptz', 'jsonb') . ');' } ],
		[ 1, sub { 'UPDATE t2 SET p = ' . expression($ctx, 't.pt', 1) . ', j = ' . expression($ctx, 'jsonb', 1) . ' WHERE k <= ' . small($ctx, 2) . ';' } ],
		[ 0.5, sub { 'MERGE INTO t1 USING (SELECT ' . small($ctx, 5) . ' AS i) q ON k = i WHEN MATCHED THEN UPDATE SET v = ' . $int->() . " WHEN NOT MATCHED THEN INSERT VALUES (i, 0, 'm');" } ]
	)->();
}

sub dynamic {
	my ($ctx) = @_;
	my @records = settable($ctx, 'record');
	return "EXECUTE 'SELECT \$1, \$2 || ''x'' AS b' INTO " . pick(@records)->{name} . ' USING ' . expression($ctx, 'int', 1) . ', ' . expression($ctx, 'text', 1) . ';' if @records && chance(0.4);
	return 'CALL proc(' . small($ctx, 3) . ');' if chance(0.3);
	return "DO 'BEGIN UPDATE t1 SET v = 5 WHERE k = 3; RAISE NOTICE ''do''; END';" if chance(0.2);
	return "EXECUTE 'UPDATE t1 SET s = left(s || \$2, 30) WHERE k = \$1' USING " . small($ctx, 3) . ', ' . expression($ctx, 'text', 1) . ';';
}

# Where an answer can go.
sub answer_target {
	my ($ctx, $may_be_null) = @_;
	my @answers = grep { !$may_be_null || !$_->{notnull} } settable($ctx, 'answer');
	my @many = settable($ctx, 'answers');
	my @asks = settable($ctx, 'ask');
	my @ways = map { my $name = $_->{name}; [ 3, $name ] } @answers;
	# what stands in [] is looked at behind the pause, and should do nothing
	push @ways, map { [ 1, "$_->{name}\[" . small({ %$ctx, quick => [] }, 3) . ']' ] } @many;
	push @ways, map { [ 1, "$_->{name}.d" ] } @asks;
	return @ways ? weighted(@ways) : undef;
}

sub payload {
	my ($ctx) = @_;
	my $q = fresh('Q');
	return "'{\"q\": \"$q\"}'" if chance(0.4);
	my $type = any_type();
	return "jsonb_build_object('q', '$q', 'v', " . expression($ctx, $type) . ')' if chance(0.8);
	return "(SELECT jsonb_build_object('q', '$q', 'n', count(*)) FROM t1)" if $ctx->{tables};
	return "to_jsonb('$q'::text)";
}

# A place where it asks.
sub site {
	my ($ctx) = @_;
	my $key = '';
	my @before;
	# a key of its own for each question
	if (($ctx->{ret} // '') eq 'node' && chance(0.15)) { @before = ('keys := keys + 1;'); $key = pick(', ', ', key => ') . "'key ' || keys" }
	my $call = 'hitl.interrupt(' . payload($ctx) . "$key)";
	my $target = answer_target($ctx);
	my @ways = ([ 1, sub { "PERFORM $call;" } ]);
	push @ways, [ 6, sub { "$target " . pick(':=', ':=', '=') . " $call;" } ], [ 1.5, sub { "SELECT $call INTO $target;" } ] if defined $target && $target !~ /\[/;
	push @ways, [ 2, sub { "$target := $call;" } ] if defined $target && $target =~ /\[/;
	push @ways, [ 0.3, sub { "RETURN $call;" } ] if ($ctx->{ret} // '') =~ /^(answer|node)$/;
	my $text = weighted(@ways)->();
	return (@before, $text) unless chance(0.5);
	return (@before, $text, chance(0.3) ? diagnostics($ctx) : (), dump_all($ctx));
}

sub arguments {
	my ($ctx, $function) = @_;
	my @given;
	my $named = chance(0.2) && !grep { $_->{variadic} } @{ $function->{params} };
	for my $param (@{ $function->{params} }) {
		last if $param->{default} && !$named && chance(0.5);
		next if $param->{default} && $named && chance(0.5);
		if ($param->{variadic}) {
			push @given, chance(0.5) ? map { '(' . expression($ctx, 'int', 1) . ')::int' } 1 .. 1 + dice(3) : 'VARIADIC (' . expression($ctx, 'int[]', 1) . ')::int[]';
			next;
		}
		my $value = $param->{depth} ? dice(3) : $param->{notnull} || $param->{type} eq 't.label' ? solid($ctx, $param->{type}) : expression($ctx, $param->{type}, 1);
		$value = "($value)::" . sql_type($param->{type}) if !$param->{depth};
		push @given, ($named ? "$param->{name} => " : '') . $value;
	}
	return join(', ', @given);
}

sub fits { my ($ctx, $f) = @_; return (!$f->{pauses} || $ctx->{pause}) && (!$f->{writes} || $ctx->{write}) && (!$f->{raises} || $ctx->{raise}) }

# A call as a statement of its own.
sub call {
	my ($ctx) = @_;
	my @fit = grep { fits($ctx, $_) } @functions;
	return 'NULL;' unless @fit;
	return call_text($ctx, pick(@fit));
}

sub call_text {
	my ($ctx, $f, $arguments) = @_;
	my $call = "$f->{name}(" . ($arguments // arguments($ctx, $f)) . ')';
	return "PERFORM $call;" if $f->{ret} eq 'void' || chance(0.1);
	return "RETURN $call;" if $f->{ret} eq ($ctx->{ret} // '') && chance(0.1) && !$ctx->{out};
	my $target;
	if ($f->{ret} eq 'answer') { $target = answer_target($ctx, 1) }
	else {
		my $wanted = $f->{ret} eq 'record' ? 'record' : $f->{ret};
		my @targets = grep { !$_->{notnull} } settable($ctx, $wanted);
		push @targets, grep { !$_->{notnull} } settable($ctx, 'text') if $f->{ret} eq 'int' && chance(0.2);
		$target = pick(@targets)->{name} if @targets;
	}
	return "PERFORM $call;" unless defined $target;
	return "SELECT $call INTO $target;" if $target !~ /[\[]/ && chance(0.25);
	return "$target := $call;";
}

sub leave {
	my ($ctx) = @_;
	my @ways = map { ("EXIT $_->{name}", $_->{loop} ? "CONTINUE $_->{name}" : ()) } @{ $ctx->{labels} };
	push @ways, 'EXIT', 'CONTINUE', 'CONTINUE' if @{ $ctx->{loops} };
	return pick(@ways) . ' WHEN ' . condition($ctx) . ';';
}

sub return_early {
	my ($ctx) = @_;
	return { parts => [ { h => 'IF ' . condition($ctx) . ' AND ' . condition($ctx) . ' THEN', b => [ return_statement($ctx) ] } ], e => 'END IF;' };
}

sub return_statement {
	my ($ctx) = @_;
	my $ret = $ctx->{ret};
	return 'RETURN;' if $ctx->{out} || $ret eq 'void';
	if ($ret eq 'answer') {
		my @answers = of_type($ctx, 'answer');
		return 'RETURN ' . pick(@answers)->{name} . ';' if @answers;
		return "RETURN '{\"type\": \"none\"}'::jsonb;";
	}
	return 'RETURN ' . expression($ctx, $ret) . ';' unless $ret eq 'node';
	my @vars = grep { known($_->{type}) } visible($ctx, sub { !$_[0]{bad} });
	splice @vars, 8 if @vars > 8;
	return 'RETURN jsonb_build_object(' . join(', ', "'found', FOUND", map { "'$_->{name}', $_->{name}::text" } @vars) . ');';
}

# Something that raises an error.
sub failing {
	my ($ctx) = @_;
	my @ints = settable($ctx, 'int');
	my @not_null = visible($ctx, sub { $_[0]{notnull} && !$_[0]{const} && known($_[0]{type}) });
	my $fail = weighted(
		[ 3, sub { 'RAISE EXCEPTION ' . quote(fresh('E') . ' %') . ', ' . expression($ctx, any_type()) . ' USING ' . join(', ', 'ERRCODE = ' . quote(pick(qw(P0001 P0009 22012 23505 ZZ001))), chance(0.5) ? 'DETAIL = ' . solid($ctx, 'text') : (), chance(0.3) ? "HINT = 'do', TABLE = 'tab', COLUMN = 'col', SCHEMA = 'sch', CONSTRAINT = 'con', DATATYPE = 'typ'" : ()) . ';' } ],
		[ 2, sub { @ints ? pick(@ints)->{name} . ' := 1 / 0;' : 'PERFORM 1 / 0;' } ],
		[ 1, sub { "PERFORM 'x'::text::int;" } ],
		[ 1, sub { @not_null ? pick(@not_null)->{name} . ' := NULL;' : 'RAISE division_by_zero;' } ],
		[ 1, sub { $ctx->{write} && $ctx->{tables} ? "INSERT INTO t1 VALUES (1, 1, 'twice');" : 'RAISE unique_violation;' } ],
		[ 0.5, sub { "PERFORM (0)::t.posint;" } ],
		[ 0.5, sub { 'RAISE no_data_found USING MESSAGE = ' . solid($ctx, 'text') . ';' } ],
		[ 0.1, sub { "ASSERT false, 'asserted';" } ]
	)->();
	return chance(0.5) ? $fail : { parts => [ { h => 'IF ' . condition($ctx) . ' THEN', b => [$fail] } ], e => 'END IF;' };
}

# What can be done in a handler only.
sub handler_things {
	my ($ctx) = @_;
	return 'RAISE;' if $ctx->{raise} && chance(0.15);
	my @texts = grep { !$_->{notnull} } settable($ctx, 'text');
	my $text = 'RAISE NOTICE ' . quote(fresh('H') . ' % %') . ', SQLSTATE, SQLERRM;';
	return $text if !@texts || chance(0.4);
	my $var = pick(@texts)->{name};
	my $item = pick(qw(MESSAGE_TEXT RETURNED_SQLSTATE PG_EXCEPTION_DETAIL PG_EXCEPTION_HINT TABLE_NAME COLUMN_NAME CONSTRAINT_NAME PG_DATATYPE_NAME SCHEMA_NAME));
	# the schema of the straight run has another first letter
	return ("GET STACKED DIAGNOSTICS $var = $item;" . ($item eq 'SCHEMA_NAME' ? " $var := substr($var, 2);" : ''), 'RAISE NOTICE ' . quote(fresh('G') . ' %') . ", $var;");
}

# -------------------------------------------------------------------------------------------- compound statements

sub some { my ($ctx) = @_; return statements($ctx, 1 + dice(4)) }

sub branch {
	my ($ctx) = @_;
	my @parts = ({ h => 'IF ' . condition($ctx) . ' THEN', b => some(inner($ctx, depth => $ctx->{depth} + 1)) });
	push @parts, { h => 'ELSIF ' . condition($ctx) . ' THEN', b => some(inner($ctx, depth => $ctx->{depth} + 1)) } while chance(0.3);
	push @parts, { h => 'ELSE', b => some(inner($ctx, depth => $ctx->{depth} + 1)) } if chance(0.5);
	return { parts => \@parts, e => 'END IF;' };
}

sub case {
	my ($ctx) = @_;
	my $searched = chance(0.5);
	my @parts;
	for my $i (0 .. dice(3)) {
		my $when = $searched ? condition($ctx) : join(', ', map { dice(4) } 0 .. dice(2));
		my $h = ($i == 0 ? 'CASE ' . ($searched ? '' : small($ctx, 3) . ' ') : '') . "WHEN $when THEN";
		push @parts, { h => $h, b => some(inner($ctx, depth => $ctx->{depth} + 1)) };
	}
	push @parts, { h => 'ELSE', b => some(inner($ctx, depth => $ctx->{depth} + 1)) } unless $ctx->{raise} && chance(0.3);
	return { parts => \@parts, e => 'END CASE;' };
}

# A label, and the block or loop that has it is in scope as one to leave.
sub labelled {
	my ($ctx, $inner, $loop) = @_;
	my $label = chance(0.4) ? fresh('lab') : undef;
	push @{ $inner->{labels} }, { name => $label, loop => $loop } if defined $label;
	return defined $label ? (label => $label) : ();
}

sub simple_block {
	my ($ctx) = @_;
	my $inner = inner($ctx, depth => $ctx->{depth} + 1);
	my @label = labelled($ctx, $inner, 0);
	my $before = @{ $inner->{vars} };
	my @decls = declare($inner, dice(4));
	qualify($label[1], @{ $inner->{vars} }[ $before .. $#{ $inner->{vars} } ]) if @label;
	return { block => 1, @label, decls => \@decls, parts => [ { h => 'BEGIN', b => some($inner) } ], e => 'END;' };
}

# One of three kinds, so that what an error undoes is the same with and without pauses:
# A: no pause in it; B: pauses first, and writes and errors behind them only; C: pauses and writes, and no errors.
sub exception_block {
	my ($ctx) = @_;
	my $kind = $ctx->{pause} ? weighted([ 3, 'A' ], [ 4, 'B' ], [ 1, 'C' ]) : 'A';
	my $outer = inner($ctx, depth => $ctx->{depth} + 1);
	my @label = labelled($ctx, $outer, 0);
	my @decls = declare($outer, dice(3));
	my @body;
	if ($kind eq 'A') {
		my $body = inner($outer, pause => 0, raise => 1);
		@body = (@{ some($body) }, chance(0.7) ? failing($body) : (), @{ some($body) });
	}
	elsif ($kind eq 'B') {
		my $first = inner($outer, write => 0, raise => 1);
		my $then = inner($outer, pause => 0, raise => 1);
		@body = (@{ some($first) }, site($first), chance(0.5) ? failing($first) : (), @{ some($then) }, chance(0.6) ? failing($then) : ());
	}
	else {
		my $body = inner($outer, raise => 0);
		@body = (@{ some($body) }, site($body), @{ some($body) });
	}
	# a handler runs behind the block's end, so to say: what may be there, may be here
	my $handler = inner($outer, handler => 1);
	my @handlers;
	push @handlers, { h => 'WHEN ' . pick('division_by_zero', 'unique_violation OR not_null_violation', "SQLSTATE 'P0009'", 'no_data_found', 'raise_exception') . ' THEN', b => some($handler) } while chance(0.35);
	push @handlers, { h => 'WHEN OTHERS THEN', b => some($handler) } if $kind ne 'C';
	push @handlers, { h => "WHEN SQLSTATE 'ZZ999' THEN", b => some($handler) } if $kind eq 'C';
	return { block => 1, @label, decls => \@decls, parts => [ { h => 'BEGIN', b => \@body }, @handlers ], e => 'END;' };
}

sub loop_context {
	my ($ctx) = @_;
	my $inner = inner($ctx, depth => $ctx->{depth} + 1);
	my @label = labelled($ctx, $inner, 1);
	push @{ $inner->{loops} }, 1;
	return ($inner, @label);
}

sub plain_loop {
	my ($ctx) = @_;
	my ($inner, @label) = loop_context($ctx);
	my $counter = fresh('c');
	$ctx->{counters}{$counter} = 1;
	my $var = { name => $counter, type => 'int', counter => 1 };
	push @{ $inner->{vars} }, $var;
	my $n = 1 + dice(3);
	my $loop = chance(0.5)
		? { @label, parts => [ { h => "LOOP $counter := $counter + 1; EXIT WHEN $counter > $n;", b => some($inner) } ], e => 'END LOOP;' }
		: { @label, parts => [ { h => "WHILE $counter < $n LOOP $counter := $counter + 1;", b => some($inner) } ], e => 'END LOOP;' };
	return { block => 1, decls => ["$counter int NOT NULL := 0;"], parts => [ { h => 'BEGIN', b => [$loop] } ], e => 'END;' };
}

sub integer_loop {
	my ($ctx) = @_;
	my ($inner, @label) = loop_context($ctx);
	my $i = fresh('i');
	my $range = weighted(
		[ 4, sub { small($ctx, 2) . '..' . small($ctx, 3) } ],
		[ 2, sub { 'REVERSE ' . small($ctx, 3) . '..' . small($ctx, 2) } ],
		[ 1, sub { '2147483645..2147483647' } ],
		[ 1, sub { 'REVERSE -2147483646..-2147483648' } ],
		[ 1, sub { '1..6 BY ' . (1 + dice(4)) } ],
		[ 1, sub { 'REVERSE 6..1 BY ' . (2 + dice(3)) } ],
		[ 1, sub { '2147483640..2147483647 BY ' . pick(3, 4, 7, 2147483647) } ],
		[ 1, sub { 'REVERSE -2147483640..-2147483648 BY ' . pick(3, 8, 2147483647) } ],
		[ 0.5, sub { expression($ctx, 'numeric', 0) =~ /^'([\d.-]+)'/ ? "1..2.6" : "0.4..2.5::numeric" } ]
	)->();
	push @{ $inner->{vars} }, { name => $i, type => 'int', qual => $label[1] };
	return { @label, parts => [ { h => "FOR $i IN $range LOOP", b => some($inner) } ], e => 'END LOOP;' };
}

# A query of few rows in an order: its text, and the types of its columns.
sub query {
	my ($ctx, $placeholders) = @_;
	my $q = { %$ctx, in_query => 1 };
	my $int = sub { my $e = expression($q, 'int', 1); return $placeholders ? do { push @$placeholders, "($e)"; '$' . @$placeholders } : $e };
	my @ways = (
		[ 2, sub {
			my @types = map { my $type = any_type(); $type eq 't.label' ? 'text' : $type } 1 .. 1 + dice(3);
			my $n = 0;
			my $columns = join(', ', map { '(' . expression($q, $_, 1) . ')::' . sql_type($_) . ' AS c' . ++$n } @types);
			$columns = join(', ', map { '(' . literal($_) . ')::' . sql_type($_) . ' AS c' . ++$n } @types) if $placeholders;
			return ("SELECT $columns, g FROM generate_series(1, " . (1 + dice(3)) . ') g', [ @types, 'int' ]);
		} ],
		[ 1, sub { ("SELECT * FROM (VALUES (1, 'a'::text), (2, NULL), (" . $int->() . '::int, ' . quote(pick(@texts)) . ')) q(a, b)', [ 'int', 'text' ]) } ],
		[ 1, sub { ('SELECT g, ROW(g, ' . quote(pick(@texts)) . '::text, ROW(NULL::int, g)), ARRAY[g, NULL]::int[] AS arr FROM generate_series(1, 2) g WHERE g <> coalesce(' . $int->() . '::int, 0)', [ 'int', 'record', 'int[]' ]) } ]);
	push @ways,
		[ 4, sub { ('SELECT k, v, s FROM t1 WHERE k <> coalesce(' . $int->() . '::int, 0) ORDER BY k LIMIT 3', [ 'int', 'int', 'text' ]) } ],
		[ 2, sub { ('SELECT * FROM t1 ORDER BY k DESC LIMIT 2', [ 'int', 'int', 'text' ]) } ],
		[ 2, sub { ('SELECT k, p, n, ts FROM t2 ORDER BY k LIMIT 3', [ 'int', 't.pt', 'numeric', 'timestamptz' ]) } ],
		[ 1, sub { ('SELECT a.k, b.p FROM t1 a LEFT JOIN t2 b USING (k) ORDER BY a.k LIMIT 3', [ 'int', 't.pt' ]) } ],
		[ 1, sub { ('SELECT t2 FROM t2 ORDER BY k LIMIT 2', ['record']) } ],
		[ 1, sub { ('WITH q AS (SELECT v, count(*) AS c FROM t1 GROUP BY v) SELECT v, c FROM q ORDER BY v LIMIT 3', [ 'int', 'bigint' ]) } ] if $ctx->{tables};
	push @ways,
		[ 1, sub { ("INSERT INTO t1 SELECT coalesce((SELECT max(k) FROM t1), 0) + g, g, 'new' FROM generate_series(1, 2) g RETURNING k, v, s", [ 'int', 'int', 'text' ]) } ],
		[ 0.7, sub { ("WITH u AS (UPDATE t1 SET s = left(s || 'u', 20) WHERE k < 4 RETURNING k, v, s) SELECT k, v, s FROM u ORDER BY k", [ 'int', 'int', 'text' ]) } ] if $ctx->{tables} && $ctx->{write};
	return weighted(@ways)->();
}

# The target of a loop over rows: its text, its declarations, and it is in scope.
sub row_target {
	my ($inner, $types) = @_;
	# a list is of scalars
	if (chance(0.45) && (@$types == 1 || !grep { $_ eq 'record' || $_ eq 't.dpt' || $types{$_}{comp} } @$types)) {
		my @decls;
		my @names;
		for my $type (@$types) {
			my $name = fresh('x');
			my $own = $type eq 'record' ? 'record' : $type;
			return row_record($inner) if $own eq 'record';
			push @decls, "$name " . sql_type($own) . ';';
			push @{ $inner->{vars} }, { name => $name, type => $own };
			push @names, $name;
		}
		return (join(', ', @names), @decls);
	}
	if ("@$types" eq 'int int text' && chance(0.5)) {
		my $name = fresh('w');
		push @{ $inner->{vars} }, { name => $name, type => 'row' };
		return ($name, "$name t1%ROWTYPE;");
	}
	if ("@$types" eq 'int text' && chance(0.5)) {
		my $name = fresh('p');
		push @{ $inner->{vars} }, { name => $name, type => 't.pt' };
		return ($name, "$name t.pt;");
	}
	return row_record($inner);
}

sub row_record {
	my ($inner) = @_;
	my $name = fresh('r');
	push @{ $inner->{vars} }, { name => $name, type => 'record' };
	return ($name, "$name record;");
}

sub in_block {
	my ($decls, $loop) = @_;
	return { block => 1, decls => $decls, parts => [ { h => 'BEGIN', b => [ $loop, ] } ], e => 'END;' };
}

# The variables of a row are looked at behind the loop, too.
sub with_target {
	my ($ctx, $inner, $decls, $loop) = @_;
	my $block = in_block($decls, $loop);
	push @{ $block->{parts}[0]{b} }, dump_all($inner) if chance(0.5);
	return $block;
}

sub row_loop {
	my ($ctx) = @_;
	my ($inner, @label) = loop_context($ctx);
	# more rows than PL/pgSQL fetches at once
	if (chance(0.08)) {
		my ($target, @decls) = row_record($inner);
		return with_target($ctx, $inner, \@decls, { @label, parts => [ { h => "FOR $target IN SELECT g, 'row ' || g AS s FROM generate_series(1, 70) g LOOP CONTINUE WHEN $target.g % 29 <> 7;", b => some($inner) } ], e => 'END LOOP;' });
	}
	my ($query, $types) = query($ctx);
	my ($target, @decls) = row_target($inner, $types);
	return with_target($ctx, $inner, \@decls, { @label, parts => [ { h => "FOR $target IN $query LOOP", b => some($inner) } ], e => 'END LOOP;' });
}

sub execute_loop {
	my ($ctx) = @_;
	my ($inner, @label) = loop_context($ctx);
	my @using;
	my ($query, $types) = query($ctx, \@using);
	# what an expression of the text would name is not there: variables are not seen
	my ($target, @decls) = row_target($inner, $types);
	my $text = quote($query);
	$text = "$text || " . quote(pick('', ' ', ' -- end')) if chance(0.3);
	my $using = @using ? ' USING ' . join(', ', @using) : '';
	return with_target($ctx, $inner, \@decls, { @label, parts => [ { h => "FOR $target IN EXECUTE $text$using LOOP", b => some($inner) } ], e => 'END LOOP;' });
}

sub array_loop {
	my ($ctx) = @_;
	my ($inner, @label) = loop_context($ctx);
	my $array = pick('int[]', 'int[]', 'text[]', 't.pt[]', 'numeric[]', 't.mood[]', 'float8[]', 'timestamptz[]', 'int2d', 'text2d');
	my $elem = $types{$array}{elem};
	my $slice = $types{$array}{dims} && chance(0.7) ? pick(1, 1, 2) : !$types{$array}{dims} && chance(0.1) ? 1 : 0;
	my $value = solid($ctx, $array);
	my $type = $slice == 2 ? $array : $slice ? (sql_type($array) eq 'text[]' ? 'text[]' : $array eq 'int2d' ? 'int[]' : $array) : $elem;
	my $name = fresh('e');
	my @decls = ("$name " . sql_type($type) . ';');
	push @{ $inner->{vars} }, { name => $name, type => $type };
	my $target = $name;
	if ($array eq 't.pt[]' && !$slice && chance(0.4)) {
		my $second = fresh('e');
		@decls = ("$name int;", "$second text;");
		pop @{ $inner->{vars} };
		push @{ $inner->{vars} }, { name => $name, type => 'int' }, { name => $second, type => 'text' };
		$target = "$name, $second";
	}
	return with_target($ctx, $inner, \@decls, { @label, parts => [ { h => "FOREACH $target " . ($slice ? "SLICE $slice " : '') . "IN ARRAY $value LOOP", b => some($inner) } ], e => 'END LOOP;' });
}

# ---------------------------------------------------------------------------------------------------- functions

sub context {
	my (%more) = @_;
	return { vars => [], loops => [], labels => [], depth => 0, handler => 0, pause => 0, write => 1, raise => 0, tables => 1, quick => [], budget => [ 20 + dice(30) ], counters => {}, %more };
}

# A function that the node, or a later one, calls.
sub helper {
	my ($number, $quick) = @_;
	my $name = "f$number";
	my $pauses = chance(0.8);
	my $raises = chance(0.3);
	my $writes = !($raises && $pauses) && chance(0.6);
	my $ret = weighted([ 3, 'int' ], [ 2, 'answer' ], [ 1, 'void' ], [ 1, 'text' ], [ 1, 't.pt' ], [ 1, 'record' ], [ 1, 'int[]' ], [ 1, any_type() ]);
	$ret = 'int' if $ret =~ /^t\.(posint|label|ints|dpt)$/;
	my $ctx = context(pause => $pauses, write => $writes, raise => $raises, ret => $ret, quick => $quick, budget => [ 10 + dice(15) ]);
	my (@params, @heads);
	my $depth = chance(0.3);
	my $strict = chance(0.15);
	if ($depth) {
		push @params, { name => 'deep', type => 'int', depth => 1 };
		push @heads, 'deep int';
		push @{ $ctx->{vars} }, { name => 'deep', type => 'int', counter => 1 };
	}
	my $defaults = 0;
	for (1 .. dice(4)) {
		my $type = any_type();
		my $param = { name => fresh('a'), type => $type };
		$defaults ||= chance(0.2);
		$param->{default} = 1 if $defaults;
		push @params, $param;
		push @heads, "$param->{name} " . sql_type($type) . ($defaults ? ' DEFAULT ' . literal($type) : '');
		push @{ $ctx->{vars} }, { name => $param->{name}, type => $type, const => 0, notnull => $type eq 't.label', qual => $name };
	}
	if (!$defaults && chance(0.1)) {
		my $param = { name => fresh('a'), type => 'int[]', variadic => 1 };
		push @params, $param;
		push @heads, "VARIADIC $param->{name} int[]";
		push @{ $ctx->{vars} }, { name => $param->{name}, type => 'int[]' };
	}
	my $returns = ' RETURNS ' . ($ret eq 'answer' ? 'jsonb' : sql_type($ret));
	if ($ret eq 'record') {
		my @outs = map { any_type() } 1, 2;
		s/^t\.label$/text/ for @outs;
		my @names = map { fresh('o') } @outs;
		push @heads, map { "OUT $names[$_] " . sql_type($outs[$_]) } 0, 1;
		push @{ $ctx->{vars} }, map { { name => $names[$_], type => $outs[$_] } } 0, 1;
		$ctx->{out} = 1;
		$returns = '';
	}
	elsif ($ret eq 'int' && chance(0.3)) {
		my $out = fresh('o');
		my $both = !$defaults && !grep({ $_->{variadic} } @params) && chance(0.5);
		push @heads, ($both ? 'INOUT' : 'OUT') . " $out int";
		push @params, { name => $out, type => 'int' } if $both;
		push @{ $ctx->{vars} }, { name => $out, type => 'int' };
		$ctx->{out} = 1;
		$returns = '';
	}
	my $self = { name => $name, params => \@params, ret => $ret, pauses => $pauses, writes => $writes, raises => $raises };
	my @decls = declare_usual($ctx);
	push @decls, declare($ctx, dice(5));
	my @body = @{ statements($ctx, 2 + dice(5)) };
	if ($depth) {
		my $given = arguments($ctx, { params => [ @params[ 1 .. $#params ] ] });
		my $named = $given =~ /=>/ ? 'deep => deep - 1' : 'deep - 1';
		push @body, { parts => [ { h => 'IF deep > 0 THEN', b => [ call_text($ctx, $self, join(', ', $named, $given eq '' ? () : $given)), dump_all($ctx) ] } ], e => 'END IF;' };
		push @body, @{ statements($ctx, 1 + dice(2)) };
	}
	push @body, return_statement($ctx);
	my $more = ($strict ? ' STRICT' : '') . (chance(0.05) ? ' SET extra_float_digits = 0' : '') . (chance(0.05) ? ' SECURITY DEFINER' : '');
	push @functions, $self;
	return { head => "CREATE FUNCTION $name(" . join(', ', @heads) . ")$returns$more", body => { block => 1, label => chance(0.2) ? 'top' : undef, decls => \@decls, parts => [ { h => 'BEGIN', b => \@body } ], e => 'END' } };
}

# A function that neither asks nor fails, for expressions.
sub quick_function {
	return { head => 'CREATE FUNCTION quick(x int) RETURNS int', body => { block => 1, decls => [], parts => [ { h => 'BEGIN', b => [
		"UPDATE t1 SET v = (v % 100) + 1 WHERE k = 2;", "RAISE NOTICE 'quick %', x;", 'RETURN (x % 10) + 1;' ] } ], e => 'END' } };
}

sub node_function {
	my ($quick) = @_;
	my $ctx = context(pause => 1, ret => 'node', raise => chance(0.15), quick => $quick, budget => [ 20 + dice(40) ]);
	my @decls = ('keys int NOT NULL := 0;', declare_usual($ctx), declare($ctx, 2 + dice(8)));
	my @body = (@{ statements($ctx, 4 + dice(8)) });
	push @body, site($ctx) if chance(0.5);
	push @body, dump_all($ctx), return_statement($ctx);
	return { head => 'CREATE FUNCTION node(state jsonb) RETURNS jsonb', body => { block => 1, label => chance(0.2) ? 'main' : undef, decls => \@decls, parts => [ { h => 'BEGIN', b => \@body } ], e => 'END' } };
}

sub program {
	my ($name, $number) = @_;
	srand($number);
	local ($serial, @functions) = (0);
	my @made;
	my $quick = [];
	if (chance(0.2)) { push @made, quick_function(); $quick = ['quick'] }
	push @made, helper($_, $quick) for 1 .. dice(4);
	push @made, node_function($quick);
	return { name => $name, number => $number, salt => dice(1_000_000), functions => \@made };
}

1;
