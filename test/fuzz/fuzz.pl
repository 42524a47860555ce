# test/fuzz/fuzz.pl: the differential fuzzer of continue mode.  test/fuzz/fuzz.sh makes it a server.
#
# Environment: SEED and COUNT: programs number SEED * 1000000 up to COUNT more; ONLY=number: that one; CASES: a folder of
# programs to run first, the kept cases; FUZZ_*: the server.  Programs that differ are made smaller and printed.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Generate;
use Program;
use Server;

$| = 1;
# an empty one is none
my %env = (SEED => 1, COUNT => 150, BATCH => 100, RESTART => 25, DUMP => 8, SHARE => 40, SHRINK => 400, FAILURES => 5, map { $_ => $ENV{$_} } grep { $ENV{$_} ne '' } keys %ENV);
my $server = Server->new(bin => $env{FUZZ_BIN}, data => $env{FUZZ_DATA}, dir => $env{FUZZ_DIR}, log => $env{FUZZ_LOG}, share => $env{SHARE}, restart_every => $env{RESTART}, dump_every => $env{DUMP});
# one with assertions looks at all memory of a session after each statement
my ($assertions) = $server->psql('template1', "SHOW debug_assertions;\n");
$server->{share} = 10 if !$ENV{SHARE} && $assertions =~ /on/;
my ($said, $status) = $server->psql('template1', "CREATE DATABASE fuzz_base;\n\\c fuzz_base\nSET client_min_messages = warning;\n\\i $FindBin::Bin/base.sql\n");
die "base.sql: $said\n" if $said =~ /ERROR/;

my %count = (same => 0, invalid => 0, long => 0, different => 0);
my ($pauses, $errors) = (0, 0);
my @failed;

# A kept case: its text, with "-- salt: N", from which its answers come, and perhaps "-- settings: N".
sub read_case {
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!";
	my $text = do { local $/; <$in> };
	my ($name) = $file =~ /(\w+)\.sql$/;
	my ($salt) = $text =~ /^-- salt: (\d+)/m;
	my ($settings) = $text =~ /^-- settings: (\d+)/m;
	return { name => "case_$name", salt => $salt // 0, settings => $settings // 0, text => $text, file => $file };
}

# In what manner a program is run, by its number.
sub manner {
	my ($number) = @_;
	return (hot => $number % 10 < 2 ? 1 : 0, whole => $number % 10 == 1 ? 1 : 0, stale => $number % 7 == 0 ? 1 : 0, settings => int($number / 3) % 6 > 3 ? 0 : int($number / 3) % 6);
}

# What kind of difference: the shrinker keeps to it.
sub kind {
	my ($program) = @_;
	return '' if ($program->{verdict} // '') ne 'different';
	return 'crash' if $program->{paused} =~ /^CRASH/m;
	return 'not made' if $program->{paused} =~ /^not made/;
	return "error $1" if $program->{paused} =~ /^RESULT ERROR \| (\w+)/m && $program->{straight} !~ /^RESULT ERROR \| $1/m;
	return 'difference';
}

# The smallest program that we find which differs in the same way.
sub shrink {
	my ($program) = @_;
	return $program if defined $program->{text};
	my $kind = kind($program);
	my $tries = 0;
	SMALLER: while ($tries < $env{SHRINK}) {
		my @smaller = Program::smaller($program);
		while (my @some = splice @smaller, 0, $kind eq 'crash' ? 10 : 40) {
			$tries += @some;
			my $n = 0;
			$_->{name} = 'try_' . $n++ for @some;
			$server->run(@some);
			for my $try (@some) {
				if (kind($try) eq $kind) { $program = $try; next SMALLER }
			}
			last SMALLER if $tries >= $env{SHRINK};
		}
		last;
	}
	return $program;
}

# Where two streams part.
sub difference {
	my ($straight, $paused) = @_;
	my @a = split /\n/, $straight;
	my @b = split /\n/, $paused;
	my $n = 0;
	$n++ while $n < @a && $n < @b && $a[$n] eq $b[$n];
	my $show = sub { join('', map { "    $_\n" } grep { defined } @_) };
	return "  straight:\n" . $show->(@a[ $n .. $n + 3 ]) . "  with pauses:\n" . $show->(@b[ $n .. $n + 3 ]);
}

sub tell_of {
	my ($program) = @_;
	my $what = $program->{file} ? "case $program->{file}" : "program $program->{number}";
	print "DIFFERENT: $what (" . kind($program) . ")\n", difference($program->{straight}, $program->{paused});
	return if @failed > $env{FAILURES} || !$env{SHRINK};
	my $small = shrink($program);
	print "--- made smaller:\n", difference($small->{straight}, $small->{paused}), Server::reproducer($small), "---\n";
	print "--- as a case:\n-- salt: $small->{salt}\n-- settings: $small->{settings}\n", Program::text($small), "---\n";
}

sub batch {
	my (@programs) = @_;
	my $broken = $server->run(@programs);
	for my $program (@programs) {
		$count{ $program->{verdict} }++;
		if ($program->{verdict} eq 'same') { $pauses += $program->{pauses}; $errors++ if $program->{error} }
		if ($program->{verdict} eq 'invalid') {
			print "INVALID: ", $program->{file} // $program->{number}, ": $program->{why}\n" if $env{VERBOSE} || $program->{file} || $program->{why} =~ /^CRASH/m;
			push @failed, $program if $program->{file};
		}
		if ($program->{verdict} eq 'different') { push @failed, $program; tell_of($program) }
		print "error of $program->{number}: $program->{error}\n" if $env{VERBOSE} && $program->{error};
	}
	if (defined $broken) { push @failed, {}; print "BROKEN: hitl.check() says\n$broken\n" }
}

my $start = time;
if (!defined $env{ONLY} && defined $env{CASES}) {
	my @cases = map { read_case($_) } sort glob "$env{CASES}/*.sql";
	batch(@cases) if @cases;
	printf "%d kept cases\n", scalar @cases;
}
%count = map { $_ => 0 } keys %count;
my @numbers = defined $env{ONLY} ? split(/,/, $env{ONLY}) : map { $env{SEED} * 1_000_000 + $_ } 0 .. $env{COUNT} - 1;
while (my @some = splice @numbers, 0, $env{BATCH}) {
	my $n = 0;
	my @programs = map { { %{ Generate::program('p' . $n++, $_) }, manner($_) } } @some;
	if ($env{SHOW}) { print Program::text($_) for @programs }
	batch(@programs);
	printf "  %d done, %d s\n", $count{same} + $count{different}, time - $start if @numbers && ($env{VERBOSE} || $numbers[0] % 500 == 0);
	last if @failed > 2 * $env{FAILURES};
}
printf "seed %s: %d programs with %d pauses are the same, %d differ; %d end in an error; left out: %d invalid, %d with too many pauses; %d restarts; %d s\n",
	$env{SEED}, $count{same}, $pauses, $count{different}, $errors, $count{invalid}, $count{long}, $server->{restarts}, time - $start;
exit(@failed ? 1 : 0);
