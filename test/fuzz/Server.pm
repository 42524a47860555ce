# test/fuzz/Server.pm: runs programs straight and with pauses, and says where that differs.
#
# Many programs share a session: all are begun in the first; each next one gives every program that waits its next
# answer.  So a batch takes as many sessions as its longest program has pauses, and every resume is in a session that
# the pause was not in; but for the programs that are "hot", which go on in the session that they paused in.
#
# What a program says is one stream: its notices, in order, with a line "ASK payload" for each question and one for the
# result; then the rows of its tables.
package Server;
use strict;
use warnings;
use Program;

# pauses of a program: one with more is left out
our $max_pauses = 40;
my $batches = 0;
my $sessions = 0;

# %server: bin, data, dir, log; share: programs in one session; restart_every: of sessions; dump_every: of batches
sub new {
	my ($class, %server) = @_;
	return bless { restarts => 0, share => 10, %server }, $class;
}

sub psql {
	my ($self, $database, $input) = @_;
	my $file = "$self->{dir}/fuzz.sql";
	open my $out, '>', $file or die "$file: $!";
	print $out $input;
	close $out;
	my $said = `timeout 600 psql -Xqt -d $database < $file 2>&1`;
	return ($said, $? >> 8);
}

sub restart {
	my ($self, $how) = @_;
	system("$self->{bin}/pg_ctl -D $self->{data} -l $self->{log} -m $how -w restart > $self->{dir}/restart.out 2>&1") == 0
		or die "the server does not start again: see $self->{log}\n";
	$self->{restarts}++;
}

# After a crash: until it takes sessions again.
sub await {
	my ($self) = @_;
	for (1 .. 100) {
		return if system("psql -Xqt -d template1 -c 'SELECT 1' > /dev/null 2>&1") == 0;
		select undef, undef, undef, 0.1;
	}
	$self->restart('immediate');
}

# How a session begins.
my $session = "\\set SHOW_CONTEXT never\nSET statement_timeout = '20s';\nSET hitl.continue_split_block = warn;\nSET hitl.max_frame_size = '16MB';\nSET client_min_messages = notice;\n";

# Run pieces of a script, one a program: [[program, text], ...].  Returns what each said, by name.  One that breaks the
# session is told so by a line CRASH, and the others go on in another.
sub pieces {
	my ($self, $database, @pieces) = @_;
	my %said;
	while (@pieces) {
		my $input = $session;
		# not too many in one session: it gets slow with all their plans
		my $n = 0;
		$input .= ($n++ && $n % $self->{share} == 1 ? "\\c -\n$session" : '') . "\\warn \@\@ $_->[0]{name}\n$_->[1]" for @pieces;
		my ($text, $status) = $self->psql($database, $input);
		my @parts = split /^\@\@ (\w+)\n/m, $text, -1;
		shift @parts;
		my $last;
		while (@parts) { my ($name, $part) = splice @parts, 0, 2; $said{$name} = $part; $last = $name }
		last if $status == 0;
		if (!defined $last) { die "psql: $text\n" }
		$said{$last} .= "CRASH\n";
		$self->await;
		shift @pieces while $pieces[0][0]{name} ne $last;
		shift @pieces;
	}
	return %said;
}

my $tables = <<'END';
CREATE TABLE t1 (k int PRIMARY KEY, v int, s text);
CREATE TABLE t2 (k int PRIMARY KEY, p t.pt, n numeric, ts timestamptz, j jsonb);
CREATE FUNCTION trig() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..2 LOOP
    BEGIN
      NEW.n := NEW.n + 1 / (i - 1);
    EXCEPTION WHEN division_by_zero THEN
      RAISE NOTICE 'trigger %', NEW.k;
    END;
  END LOOP;
  RETURN NEW;
END $$;
CREATE TRIGGER trig BEFORE INSERT ON t2 FOR EACH ROW EXECUTE FUNCTION trig();
CREATE PROCEDURE proc(i int) LANGUAGE plpgsql AS $$ BEGIN UPDATE t1 SET v = i WHERE k = i; RAISE NOTICE 'proc %', FOUND; END $$;
INSERT INTO t1 SELECT g, g * 10, 'row ' || g FROM generate_series(1, 4) g;
INSERT INTO t2 VALUES (1, '(1,x)', 1.50, '2026-01-01 00:00:00+00', '{}'), (2, NULL, 'NaN', 'infinity', NULL);
END

# The script that makes a program in a schema.
sub setup {
	my ($program, $schema) = @_;
	my $text = Program::text($program);
	$text =~ s/hitl\.interrupt/stub.interrupt/g if $schema =~ /^s/;
	return "SET client_min_messages = error;\nCREATE SCHEMA $schema;\nSET search_path = $schema, t;\n$tables$text";
}

# Both schemas of it: made in a session of its own, since each DDL has all plans of a session looked at.
sub setup_piece {
	my ($program) = @_;
	my $graph = "c_$program->{name}";
	return setup($program, "s_$program->{name}") . "\\warn \@made\n" . setup($program, $graph) .
		"SELECT hitl.create_graph('$graph'), hitl.add_node('$graph', 'n', 'node', suspend => 'continue'), hitl.add_edge('$graph', 'START', 'n'), hitl.add_edge('$graph', 'n', 'END'), hitl.compile('$graph') \\gset\n";
}

# What a session of a program has set.
sub settings { my ($program) = @_; return "SELECT stub.settings(" . ($program->{settings} // 0) . ") AS x \\gset\n" }

sub straight_piece {
	my ($program) = @_;
	return settings($program) . "SET search_path = s_$program->{name}, t;\n\\set r 'RESULT? none'\nSELECT stub.run($program->{salt}) AS r \\gset\n\\warn :r\nSELECT stub.tables() AS r \\gset\n\\warn :r\n";
}

my $report = "AS r, thread AS th, more AS more";

sub resume_text {
	my ($program, $thread, $number) = @_;
	return "\\set r 'RESULT? none'\n\\set more false\nSELECT line $report FROM hitl.resume($thread, stub.answer($program->{salt}, $number)) j, stub.report(j) \\gset\n\\warn :r\n";
}

sub first_piece {
	my ($program) = @_;
	my $graph = "c_$program->{name}";
	my $text = settings($program) . ($program->{whole} ? "BEGIN;\n" : '') . "SET search_path = $graph, t;\n\\set r 'RESULT? none'\n\\set more false\nSELECT line $report FROM hitl.invoke('$graph') j, stub.report(j) \\gset\n\\warn :r\n";
	if ($program->{hot}) {
		$text .= "\\if :more\n" . resume_text($program, ':th', $_) for 0 .. $program->{pauses} - 1;
		$text .= "\\endif\n" x $program->{pauses};
	}
	$text .= "COMMIT;\n" if $program->{whole};
	return $text . "\\warn \@thread :th\n";
}

# A next answer: a new session has the program's path, for what its functions name.
sub next_piece {
	my ($program, $number) = @_;
	return settings($program) . "\\set r 'RESULT? none'\nSET search_path = c_$program->{name}, t;\n" . resume_text($program, $program->{thread}, $number);
}

sub tables_piece {
	my ($program) = @_;
	return settings($program) . "\\set r 'TABLES? none'\nSET search_path = c_$program->{name}, t;\nSELECT stub.tables() AS r \\gset\n\\warn :r\n";
}

# Of some programs, while they wait: another node() under the same name.  They go on with what they paused in.
sub stale {
	my ($self, $database, @programs) = @_;
	my %said = $self->pieces($database, map { [ $_, "SET search_path = c_$_->{name}, t;\nCREATE OR REPLACE FUNCTION node(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS 'BEGIN RAISE ''replaced''; END';\n" ] } grep { $_->{stale} } @programs);
	die "cannot replace node(): @said{ sort keys %said }\n" if grep { /ERROR/ } values %said;
}

# The database as it is read from its dump: everything in it has another OID.
sub dump_and_restore {
	my ($self, $database) = @_;
	my ($said) = $self->psql('template1', "CREATE DATABASE ${database}_r TEMPLATE template0;\n");
	$said .= `pg_dump -Fc -d $database -f $self->{dir}/dump 2>&1 && pg_restore --single-transaction -d ${database}_r $self->{dir}/dump 2>&1`;
	die "dump and restore: $said\n" if $said =~ /\S/;
	$self->psql('template1', "DROP DATABASE $database WITH (FORCE);\n");
	return "${database}_r";
}

# Run programs; sets of each its verdict: same, invalid, long, different (with straight and paused: the streams).
sub run {
	my ($self, @programs) = @_;
	my $database = 'fuzz_' . ++$batches;
	my ($said) = $self->psql('template1', "CREATE DATABASE $database TEMPLATE fuzz_base;\n");
	die "cannot make a database: $said" if $said =~ /ERROR/;
	my %by_name = map { $_->{name} => $_ } @programs;

	my %made = $self->pieces($database, map { [ $_, setup_piece($_) ] } @programs);
	for my $program (@programs) {
		delete @$program{qw(verdict straight paused thread why error)};
		my ($straight, $paused) = split /^\@made\n/m, $made{ $program->{name} } // "", -1;
		if (!defined $straight || $straight =~ /ERROR|CRASH/) { $program->{verdict} = 'invalid'; $program->{why} = $straight }
		$program->{paused} = ($paused // 'CRASH') =~ /ERROR|CRASH/ ? "not made:\n" . ($paused // 'CRASH') : '';
	}

	my %straight = $self->pieces($database, map { [ $_, straight_piece($_) ] } grep { !$_->{verdict} } @programs);
	for my $program (grep { !$_->{verdict} } @programs) {
		my $run = $program->{straight} = $straight{ $program->{name} } // 'CRASH';
		$program->{pauses} = () = $run =~ /^NOTICE:  ASK /mg;
		$program->{error} = $1 if $run =~ /^(RESULT ERROR.*)/m;
		if ($run =~ /^RESULT\?|CRASH|^RESULT ERROR \| 57014/m) { $program->{verdict} = 'invalid'; $program->{why} = $run }
		elsif ($program->{pauses} > $max_pauses) { $program->{verdict} = 'long' }
	}

	my @on = grep { !$_->{verdict} } @programs;
	my @waiting = grep { $_->{paused} eq '' } @on;
	for (my $round = 0; @waiting; $round++) {
		$database = $self->dump_and_restore($database) if $round == 1 && $self->{dump_every} && $batches % $self->{dump_every} == 0;
		$self->stale($database, @waiting) if $round == 1;
		$self->restart('immediate') if $self->{restart_every} && ++$sessions % $self->{restart_every} == 0;
		my %said = $self->pieces($database, map { [ $_, $round == 0 ? first_piece($_) : next_piece($_, $round - 1) ] } @waiting);
		my @next;
		for my $program (@waiting) {
			my $text = $said{ $program->{name} } // '';
			$program->{thread} = $1 if $round == 0 && $text =~ s/^\@thread (\d+)\n//m;
			$text =~ s/^\@thread .*\n//m;
			$program->{paused} .= $text;
			push @next, $program if defined $program->{thread} && !$program->{hot} && $text =~ /^NOTICE:  ASK .*\n\z/m && $round <= $max_pauses;
		}
		@waiting = @next;
	}

	my %tables = $self->pieces($database, map { [ $_, tables_piece($_) ] } @on);
	for my $program (@on) {
		$program->{paused} .= $tables{ $program->{name} } // '';
		# an error that nobody has caught undoes what was done since the last pause
		my ($straight, $paused) = @$program{qw(straight paused)};
		s/^TABLES\n?.*//ms for $program->{error} && $program->{pauses} ? ($straight, $paused) : ();
		$program->{verdict} = $straight eq $paused ? 'same' : 'different';
	}
	($said) = $self->psql($database, "SELECT invariant, thread_id, detail FROM hitl.check();\n");
	my $broken = $said =~ /\S/ ? $said : undef;
	$self->psql('template1', "DROP DATABASE $database WITH (FORCE);\n");
	return $broken;
}

# A script that shows a difference on its own, for psql in an empty database that base.sql was read into.
sub reproducer {
	my ($program) = @_;
	my $copy = { %$program, name => 'p', hot => 0, whole => 0 };
	my $settings = "\\set SHOW_CONTEXT never\nSET hitl.continue_split_block = warn;\n";
	my $text = "-- In a database into which test/fuzz/base.sql was read.\n$settings" . setup_piece($copy) . "SET client_min_messages = notice;\n-- straight\n" . straight_piece($copy) . "-- with pauses\n" . first_piece($copy);
	$copy->{thread} = ':th';
	$text .= "\\c -\n$settings" . next_piece($copy, $_) for 0 .. ($program->{pauses} // 1) - 1;
	return $text . tables_piece($copy);
}

1;
