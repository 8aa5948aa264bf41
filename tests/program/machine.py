# SPDX-License-Identifier: Apache-2.0
"""A small virtual machine with a webcam: Debian's kernel in QEMU with its virtual camera driver (vivid).

Its root is this machine's, read-only, so what runs in it is the very program that was built. What it says
comes over the serial console; QEMU emulates the processor (tcg), since not every builder has KVM.
"""
import pathlib
import re
import shutil
import subprocess
import textwrap

from support import ROOT

KERNEL = ROOT / ".cache" / "kernel"
NEEDS = ("qemu-system-x86_64", "busybox", "cpio")

INIT = """\
    #!/bin/busybox sh
    /bin/busybox --install -s /bin
    mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
    while read -r file; do
        case $file in vivid.ko) options="{vivid}" ;; *) options= ;; esac
        insmod /modules/$file $options || echo "no $file"
    done < /modules/order
    ifconfig lo 127.0.0.1 up
    mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,ro,cache=loose root /host || echo "no root"
    for name in proc sys dev; do mount --bind /$name /host/$name; done
    mount -t tmpfs scratch /host/run
    chroot /host /usr/bin/env -i {environment} {command}
    echo "guest rc=$?"
    poweroff -f
    """


def missing():
    """What a machine needs and is not here; an empty list if it can start."""
    lacks = [name for name in NEEDS if not shutil.which(name)]
    return lacks + ([] if (KERNEL / "order").exists() else ["the kernel (tools/fetch-kernel)"])


def pack(folder, command, environment, vivid):
    """Makes the first file system: busybox, the modules, and an init that runs `command`."""
    tree = folder / "initramfs"
    for name in ("bin", "dev", "proc", "sys", "host", "modules"):
        (tree / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), tree / "bin" / "busybox")
    for path in KERNEL.glob("*.ko"):
        shutil.copy(path, tree / "modules")
    shutil.copy(KERNEL / "order", tree / "modules")
    init = tree / "init"
    init.write_text(textwrap.dedent(INIT).format(
        vivid=vivid, environment=" ".join(f"{key}='{value}'" for key, value in environment.items()),
        command=command))
    init.chmod(0o755)
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    with open(folder / "initramfs.cpio", "wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, input=names.encode(),
                       stdout=out, check=True)
    return folder / "initramfs.cpio"


def run_in(folder, command, environment, vivid, timeout):
    """Boots, runs the command, returns its exit status (None if it never came to that) and the console."""
    initramfs = pack(pathlib.Path(folder), command, environment, vivid)
    words = ["qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", "max",
             "-smp", "1", "-m", "768", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
             "-serial", "stdio", "-kernel", str(KERNEL / "vmlinuz"), "-initrd", str(initramfs),
             "-append", "console=ttyS0 quiet panic=-1",
             "-virtfs", "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap"]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout)
        console = done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        console = (late.stdout or b"").decode(errors="replace") + f"\nno end within {timeout} s"
    found = re.search(r"guest rc=(\d+)", console)
    return int(found.group(1)) if found else None, console
