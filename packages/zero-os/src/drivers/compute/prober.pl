# Opens TCP connections inside network namespaces for the health tests of all zmachines of a node: one small process
# instead of one new process per test. Node cannot enter a namespace itself.
# Request:  ID NETNS-PATH ADDRESS PORT HEX-OF-REQUEST (or -)   |  cancel ID
# Answer:   ID open | ID data HEX | ID error TEXT
use strict;
use warnings;
use Errno qw(EINPROGRESS EAGAIN EINTR);
use Fcntl qw(F_SETFL O_NONBLOCK);
use Socket qw(AF_INET SOCK_STREAM SOL_SOCKET SO_ERROR inet_aton pack_sockaddr_in);

my ($setns) = @ARGV;
$| = 1;
$SIG{PIPE} = "IGNORE";
open(my $home, "<", "/proc/self/ns/net") or die "ns/net: $!\n";
my (%jobs, $input);
$input = "";

sub answer { my ($id, $text) = @_; my $job = delete $jobs{$id}; close $job->{socket} if $job; print "$id $text\n" }

sub begin {
    my ($id, $path, $address, $port, $request) = @_;
    open(my $namespace, "<", $path) or return answer($id, "error network namespace: $!");
    syscall($setns + 0, fileno($namespace), 0x40000000) == 0 or return answer($id, "error setns: $!");
    my $made = socket(my $socket, AF_INET, SOCK_STREAM, 0);
    my $reason = "$!";
    # Back at once: a process that stays in a namespace keeps its links alive after it was deleted.
    syscall($setns + 0, fileno($home), 0x40000000) == 0 or die "cannot return: $!\n";
    $made or return answer($id, "error socket: $reason");
    fcntl($socket, F_SETFL, O_NONBLOCK);
    my $ip = inet_aton($address) or do { close $socket; return answer($id, "error address $address") };
    $jobs{$id} = { socket => $socket, request => $request eq "-" ? "" : pack("H*", $request), http => $request ne "-", state => "connect", read => "" };
    return if connect($socket, pack_sockaddr_in($port, $ip)) or $! == EINPROGRESS;
    answer($id, "error $!");
}

sub writable {
    my ($id, $job) = @_;
    if ($job->{state} eq "connect") {
        my $error = unpack("i", getsockopt($job->{socket}, SOL_SOCKET, SO_ERROR));
        if ($error) { $! = $error; return answer($id, "error $!") }
        return answer($id, "open") unless $job->{http};
        $job->{state} = "write";
    }
    my $count = syswrite($job->{socket}, $job->{request});
    return $! == EAGAIN || $! == EINTR ? () : answer($id, "error $!") unless defined $count;
    $job->{request} = substr($job->{request}, $count);
    $job->{state} = "read" if $job->{request} eq "";
}

sub readable {
    my ($id, $job) = @_;
    my $count = sysread($job->{socket}, $job->{read}, 1024, length $job->{read});
    return $! == EAGAIN || $! == EINTR ? () : answer($id, "error $!") unless defined $count;
    return if $count > 0 && length($job->{read}) < 1024 && index($job->{read}, "\n") < 0;
    answer($id, "data " . (unpack("H*", $job->{read}) || "-"));
}

sub command {
    my @words = split / /, $_[0];
    if ($words[0] eq "cancel") { my $job = delete $jobs{ $words[1] }; close $job->{socket} if $job; return }
    begin(@words);
}

while (1) {
    my ($reads, $writes) = ("", "");
    vec($reads, 0, 1) = 1;
    for my $job (values %jobs) {
        if ($job->{state} eq "read") { vec($reads, fileno($job->{socket}), 1) = 1 }
        else                         { vec($writes, fileno($job->{socket}), 1) = 1 }
    }
    next if select($reads, $writes, undef, undef) < 0;
    for my $id (keys %jobs) {
        my $job = $jobs{$id} or next;
        my $number = fileno($job->{socket});
        if    ($job->{state} eq "read") { readable($id, $job) if vec($reads, $number, 1) }
        elsif (vec($writes, $number, 1)) { writable($id, $job) }
    }
    next unless vec($reads, 0, 1);
    my $count = sysread(STDIN, $input, 65536, length $input);
    exit 0 if defined $count && $count == 0;
    while ($input =~ s/^([^\n]*)\n//) { command($1) }
}
