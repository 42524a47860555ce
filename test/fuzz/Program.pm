# test/fuzz/Program.pm: a program as a tree of statements: how it is written out, and what can be left out of it.
#
# A program: {name, salt, functions => [...]}; a function: {head, decls, body, tail}.  A statement is a string, or a
# compound: {parts => [{h => "IF x THEN", b => [statements]}, ...], e => "END IF;"}; a block has decls, and its second
# part and those behind it are handlers.  A kept case of test/fuzz/cases has its text instead of functions.
package Program;
use strict;
use warnings;

sub indent { my ($text, $depth) = @_; return ('  ' x $depth) . $text . "\n" }

sub statement_text {
	my ($s, $depth) = @_;
	return indent($s, $depth) unless ref $s;
	my $text = '';
	$text .= indent("<<$s->{label}>>", $depth) if $s->{label};
	if ($s->{block}) {
		$text .= indent('DECLARE', $depth) if @{ $s->{decls} };
		$text .= indent($_, $depth + 1) for @{ $s->{decls} };
	}
	my $number = 0;
	for my $part (@{ $s->{parts} }) {
		$text .= indent('EXCEPTION', $depth) if $s->{block} && $number == 1;
		$text .= indent($part->{h}, $depth);
		$text .= list_text($part->{b}, $depth + 1);
		$number++;
	}
	return $text . indent($s->{e}, $depth);
}

sub list_text {
	my ($list, $depth) = @_;
	return @$list ? join('', map { statement_text($_, $depth) } @$list) : indent('NULL;', $depth);
}

# The program's CREATE FUNCTIONs; hitl.interrupt stands for what asks.
sub text {
	my ($program) = @_;
	return $program->{text} if defined $program->{text};
	my $text = '';
	for my $f (@{ $program->{functions} }) {
		$text .= "$f->{head} LANGUAGE plpgsql AS \$f\$\n";
		$text .= statement_text($f->{body}, 0);
		chomp $text;
		$text .= "\n\$f\$;\n";
	}
	return $text;
}

sub copy {
	my ($x) = @_;
	return { map { $_ => copy($x->{$_}) } keys %$x } if ref $x eq 'HASH';
	return [ map { copy($_) } @$x ] if ref $x eq 'ARRAY';
	return $x;
}

# How many lines: what the shrinker wants less of.
sub size { my ($program) = @_; return scalar(() = text($program) =~ /\n/g) }

# All lists of statements in a tree.
sub lists {
	my ($s) = @_;
	return () unless ref $s;
	return map { my $part = $_; ($part->{b}, map { lists($_) } @{ $part->{b} }) } @{ $s->{parts} };
}

sub compounds {
	my ($s) = @_;
	return () unless ref $s;
	return ($s, map { map { compounds($_) } @{ $_->{b} } } @{ $s->{parts} });
}

# Smaller programs than this one: each with one thing less.
sub smaller {
	my ($program) = @_;
	my @smaller;
	my $try = sub {
		my ($change) = @_;
		my $copy = copy($program);
		push @smaller, $copy if $change->($copy);
	};
	my $functions = $program->{functions};
	for my $i (0 .. $#$functions) {
		$try->(sub { splice @{ $_[0]{functions} }, $i, 1; 1 }) if $i < $#$functions;
		my @lists = lists($functions->[$i]{body});
		for my $l (0 .. $#lists) {
			my $n = @{ $lists[$l] };
			# halves first, then single statements
			for (my $length = $n; $length >= 1; $length = int($length / 2)) {
				for (my $at = 0; $at < $n; $at += $length) {
					my ($from, $count) = ($at, $length);
					$try->(sub { splice @{ (lists($_[0]{functions}[$i]{body}))[$l] }, $from, $count; 1 });
				}
				last if $n == 1;
			}
			for my $at (0 .. $n - 1) {
				my $s = $lists[$l][$at];
				next unless ref $s;
				for my $p (0 .. $#{ $s->{parts} }) {
					# its statements in the place of it
					$try->(sub {
						my $list = (lists($_[0]{functions}[$i]{body}))[$l];
						splice @$list, $at, 1, @{ $list->[$at]{parts}[$p]{b} };
						1;
					});
					$try->(sub { splice @{ (lists($_[0]{functions}[$i]{body}))[$l][$at]{parts} }, $p, 1; 1 }) if $p > 0;
				}
			}
		}
		my @compounds = compounds($functions->[$i]{body});
		for my $c (0 .. $#compounds) {
			next unless $compounds[$c]{block};
			for my $d (0 .. $#{ $compounds[$c]{decls} }) {
				$try->(sub { splice @{ (compounds($_[0]{functions}[$i]{body}))[$c]{decls} }, $d, 1; 1 });
			}
		}
	}
	return sort { size($a) <=> size($b) } @smaller;
}

1;
