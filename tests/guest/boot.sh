#!/bin/bash
# boot.sh DIR CASES: boots the guest with the cases, and unpacks what it hands over into DIR/out.
#
# DIR: what fetch.sh and the cross-builds have put there. Exit status 0 if the guest came to its end
# within the time; its console is DIR/console.
set -u
here=$(cd "$(dirname "$0")" && pwd)
dir=$(cd "$1" && pwd)
cases=$2
# Seconds. An emulated boot takes about ten, a case one or two.
LIMIT=${GUEST_LIMIT:-900}

image=$dir/image
rm -rf "$image" "$dir/out" "$dir/disk"
mkdir -p "$image" "$dir/out"
cp -a "$dir/root/." "$image"
(cd "$image/usr" && rm -rf share include)
mkdir -p "$image"/{dev,out,proc,sys,t,tmp,v}
install -m 755 "$here/init" "$image/init"
install -m 755 "$here/../lib/capture_both.sh" "$image/t/capture_both.sh"
install -m 755 "$dir"/capture/bin/snapcrash-{client,debugger} "$image/t"
ln -s snapcrash-client "$image/t/client"
cp "$dir"/kernel/*.ko "$cases" "$image/t"
cp -r "$dir/victims/." "$image/v"
(cd "$image" && find . | cpio --quiet -o -H newc -R 0:0) >"$dir/initramfs" || exit 1

truncate -s 2G "$dir/disk"
# Its own emulation of pointer authentication takes most of the time; the other algorithm is as good.
timeout -k 5 "$LIMIT" qemu-system-aarch64 -M virt -cpu max,pauth-impdef=on -smp 2 -m 2G \
	-nographic -no-reboot -nic none -kernel "$dir/kernel/vmlinuz" -initrd "$dir/initramfs" \
	-append "console=ttyAMA0 quiet panic=-1 rdinit=/init" \
	-drive "if=none,id=results,format=raw,file=$dir/disk" \
	-device virtio-blk-device,drive=results </dev/null >"$dir/console" 2>&1
status=$?
tar -x --ignore-zeros -C "$dir/out" -f "$dir/disk" 2>"$dir/tar.err"
rm -f "$dir/disk" "$dir/initramfs"
if [ ! -e "$dir/out/end/uname" ]; then
	echo "the guest did not come to its end (status $status); the end of its console:"
	tail -n 20 "$dir/console"
	exit 1
fi
