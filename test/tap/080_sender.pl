# 080_sender.pl: hitl-sender hands each message over at least once, with the same id each time, and marks it: killed
# between the claim and the mark, two of them at once, killed again and again, with the server restarted under it; and
# what it cannot hand over waits.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('sender');
my $folder = PostgreSQL::Test::Utils::tempdir;
my $conninfo = $node->connstr('postgres');

sub sql { return $node->safe_psql('postgres', $_[0]); }

add_graphs($node, 'postgres');
sql(q{CREATE ROLE mia LOGIN; SELECT hitl.set_contact('mia', 'mia@shop.example');
	CREATE FUNCTION public.pays(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
		SELECT jsonb_build_object('type', hitl.interrupt('{"action": "pay", "args": {"secret": "4711"}}')->'type') $$;
	SELECT hitl.create_graph('pays'), hitl.add_node('pays', 'n', 'public.pays'), hitl.add_edge('pays', 'START', 'n'), hitl.add_edge('pays', 'n', 'END'), hitl.compile('pays')});
my $thread = start_thread($node, 'postgres', 'pays');
is(wait_thread($node, 'postgres', $thread), 'interrupted', 'a thread asks');
my $question = sql("SELECT interrupt_id FROM hitl.pending WHERE thread_id = $thread");

# So many messages more.
sub remind { return sql("SELECT count(hitl.remind($question, 'mia')) FROM generate_series(1, $_[0])"); }

# A command that notes the id of each message in a file, and does what else it is told.
sub noting { return "echo \$HITL_MESSAGE_ID >> $folder/$_[0]" . (defined $_[1] ? "; $_[1]" : ''); }
sub noted { return -e "$folder/$_[0]" ? [ split /\n/, PostgreSQL::Test::Utils::slurp_file("$folder/$_[0]") ] : []; }

# Starts a sender; once: runs one to its end, and returns its status.
sub start_sender { return IPC::Run::start([ 'hitl-sender', @_, $conninfo ], '<', \undef, '>', \my $out, '2>', "$folder/errors"); }
sub once
{
	my $sender = IPC::Run::start([ 'hitl-sender', '--once', @_, $conninfo ], '<', \undef, '>', "$folder/out", '2>', "$folder/errors");
	$sender->finish;
	return $sender->result(0);
}

# Until the file is there, and holds so many lines.
sub until_noted
{
	my ($file, $n) = @_;

	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return 1 if @{ noted($file) } >= $n;
		select(undef, undef, undef, 0.1);
	}
	return 0;
}

# What a sender holds can be taken again now, as if its time were over.
sub lapse { return sql('UPDATE hitl.outbox SET due_at = now() WHERE sent_at IS NULL'); }
sub notified { return sql("SELECT count(*) FROM hitl.timeline WHERE event = 'notified'"); }

# 1. Killed between the claim and the mark, with the message in other hands already.
remind(1);
my $sender = start_sender('--exec', noting('killed', "echo \$\$ > $folder/pid; sleep 1000"));
ok(until_noted('pid', 1), 'a command has the message');
$sender->signal('KILL');
$sender->finish;
kill 'KILL', noted('pid')->[0];
is(sql('SELECT status FROM hitl.notifications'), 'waiting', 'its sender is killed: the message is not marked');
is(notified(), 0, 'nor is anybody notified');
is(once('--exec', noting('killed')), 0, 'while its time is not over ...');
is(scalar @{ noted('killed') }, 1, '... nobody else takes it');
lapse();
is(once('--exec', noting('killed')), 0, 'then another sender does');
my @killed = @{ noted('killed') };
is(scalar @killed, 2, 'it comes a second time');
is($killed[0], $killed[1], 'with the same id');
is(sql('SELECT status, attempts FROM hitl.notifications'), 'sent|2', 'and is marked');
is(notified(), 1, 'the trail says notified, once');

# 2. Two senders at once: each message once.
remind(40);
my @senders = map { start_sender('--once', '--exec', noting('two')) } 1 .. 2;
$_->finish for @senders;
is_deeply([ map { $_->result(0) } @senders ], [ 0, 0 ], 'two senders at once');
my %times;
$times{$_}++ for @{ noted('two') };
is(scalar keys %times, 40, 'each message is handed over');
is(scalar(grep { $_ != 1 } values %times), 0, 'and none twice');
is(sql("SELECT count(*) FROM hitl.notifications WHERE status = 'sent'"), 41, 'all are marked');

# 3. Killed again and again, wherever that strikes: none is lost, none comes with another id.
remind(30);
for my $try (1 .. 12)
{
	$sender = start_sender('--exec', noting('again'));
	select(undef, undef, undef, 0.03 * $try);
	$sender->signal('KILL');
	$sender->finish;
	lapse();
}
# a session of a sender that was killed may still be about to claim
poll($node, 'postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name IN ('hitl-sender', 'psql') AND pid <> pg_backend_pid()", 'the sessions of the killed end');
lapse();
is(once('--exec', noting('again')), 0, 'a last one is let live');
is(sql("SELECT count(*) FROM hitl.notifications WHERE status = 'sent'"), 71, 'all are marked');
%times = map { $_ => 1 } @{ noted('again') };
is(scalar keys %times, 30, 'all were handed over');
is(sql("SELECT count(*) FROM hitl.outbox WHERE message_id::text = ANY ('{" . join(',', keys %times) . "}')"), 30, 'under ids that the outbox knows');
is(notified(), 71, 'each is notified once');

# 4. It goes on when the server was restarted under it, and ends when it is told to.
$sender = start_sender('--poll', '1', '--exec', noting('restart'));
remind(1);
ok(until_noted('restart', 1), 'a sender that goes on');
$node->restart;
remind(1);
ok(until_noted('restart', 2), 'connects again when the server was restarted');
$sender->signal('TERM');
$sender->finish;
is($sender->result(0), 0, 'and ends when it is told to');

# 5. What cannot be handed over waits, and says why; a mail goes through sendmail.
remind(1);
is(once('--exec', 'echo 451 later >&2; exit 75'), 1, 'a command that fails');
is(sql("SELECT status, error FROM hitl.notifications ORDER BY outbox_id DESC LIMIT 1"), 'failed|status 75: 451 later ', 'the message waits, with what the command said');
sql("SELECT hitl.set_contact('mia', NULL)");
lapse();
is(once('--sendmail', '/bin/true'), 1, 'a mail to nobody');
like(sql("SELECT error FROM hitl.notifications ORDER BY outbox_id DESC LIMIT 1"), qr/hitl\.set_contact/, 'says what to do');
sql("SELECT hitl.set_contact('mia', 'mia\@shop.example')");
lapse();
PostgreSQL::Test::Utils::append_to_file("$folder/sendmail", "#!/bin/sh\necho \"\$@\" > $folder/args\ncat > $folder/mail\n");
chmod 0755, "$folder/sendmail";
is(once('--from', 'desk@shop.example', '--sendmail', "$folder/sendmail"), 0, 'a mail');
is(PostgreSQL::Test::Utils::slurp_file("$folder/args"), "-t -i -f desk\@shop.example\n", 'goes to sendmail as it likes it');
my $mail = PostgreSQL::Test::Utils::slurp_file("$folder/mail");
like($mail, qr/\AFrom: <desk\@shop\.example>\nTo: <mia\@shop\.example>\nSubject: [^\n]*pay[^\n]*\nDate: [^\n]+\nMessage-ID: <[0-9a-f-]{36}\@hitl\.invalid>\n/, 'its headers');
like($mail, qr/\n\n.*4711.*SELECT hitl\.approve\($question/s, 'its body: what is asked, and how to answer');
is(once('--sendmail', "$folder/sendmail"), 0, 'nothing is left');
is(once(), 2, 'neither a command nor sendmail');
is(once('--exec', 'true', '--poll', '1; true'), 2, 'no number');

# What it and the server say holds ids only.
unlike(join('', grep { !/statement: |CREATE|SELECT/i } split /^/, log_since($node, 0)), qr/4711/, 'no payload in the log');
unlike(PostgreSQL::Test::Utils::slurp_file("$folder/errors"), qr/4711/, 'nor in what the sender says');
is(sql('SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
$node->stop;
done_testing();
