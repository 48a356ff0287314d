# Mounts SOURCE at TARGET so that id 0..COUNT-1 on disk appears as BASE..BASE+COUNT-1 (mount_setattr(2)).
# Perl because neither Node nor util-linux before 2.39 can make this system call; perl-base is always there on Debian.
# Numbers of the new system calls are the same on every architecture; unshare's is passed in.
use strict;
use warnings;

my ($source, $target, $base, $count, $unshare) = @ARGV;
pipe(my $ready_read,   my $ready_write)   or die "pipe: $!\n";
pipe(my $release_read, my $release_write) or die "pipe: $!\n";

# The mapping is taken from a user namespace; a child holds one open until it has been read.
my $child = fork() // die "fork: $!\n";
if ($child == 0) {
    close $release_write;
    syscall($unshare + 0, 0x10000000) == 0 or die "unshare: $!\n";
    syswrite($ready_write, "x");
    sysread($release_read, my $byte, 1);
    exit 0;
}
close $ready_write;
sysread($ready_read, my $byte, 1) or die "no user namespace can be made\n";
for my $kind ("uid", "gid") {
    open(my $map, ">", "/proc/$child/${kind}_map") or die "${kind}_map: $!\n";
    syswrite($map, "0 $base $count\n") or die "${kind}_map: $!\n";
}
open(my $namespace, "<", "/proc/$child/ns/user") or die "ns/user: $!\n";

my $empty = "\0";
my $from  = "$source\0";
my $to    = "$target\0";
my $tree  = syscall(428, -100, $from, 1 | 02000000);    # open_tree: OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
$tree >= 0 or die "open_tree: $!\n";

# mount_attr: set MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV
my $attributes = pack("QQQQ", 0x00100000 | 0x1 | 0x4, 0, 0, fileno($namespace));
syscall(442, $tree, $empty, 0x1000, $attributes, length $attributes) == 0 or die "mount_setattr: $!\n";
syscall(429, $tree, $empty, -100, $to, 0x4) == 0 or die "move_mount: $!\n";
close $release_write;
waitpid $child, 0;
