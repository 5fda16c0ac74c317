"""The root that a container of the image has, without a container: its files read-only, user 10001, no home.

The sources lie where they lie here and not in /opt/vigil, and are compiled for this processor: compiled code is found
by the path of its source, and to make it anew takes a minute of a core.
"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = re.sub(r"\\\n\s*", " ", (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8"))
OWNER = "10001:10001"
STEP_TIMEOUT_S = 120.0

LAY_OUT = """
set -e
root=$1
mount -t tmpfs -o size=16m,mode=755 none "$root"
for folder in bin sbin lib lib64; do
  if [ -L "/$folder" ]; then cp -P "/$folder" "$root/$folder"
  elif [ -d "/$folder" ]; then mkdir "$root/$folder"; mount --bind "/$folder" "$root/$folder"; fi
done
bind() { mkdir -p "$root$2"; mount --bind "$1" "$root$2"; mount -o "remount,bind,$3" "$root$2"; }
mkdir "$root/proc" "$root/dev"
mount --rbind /proc "$root/proc"
for device in null urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
"""
"""What the image's base has. The mounts are in a namespace of this process's own and end with it."""


def can_lay_out():
    """Tell whether this user may mount."""
    tried = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(tried, capture_output=True, timeout=STEP_TIMEOUT_S, check=False).returncode == 0
    except FileNotFoundError:
        return False


def instructions(kind):
    """Return what follows each instruction of a kind in the Dockerfile."""
    return [line.split(maxsplit=1)[1] for line in DOCKERFILE.splitlines() if line.startswith(f"{kind} ")]


def image_environment():
    """Return the variables that the image sets, but for the path of the sources and the processor."""
    [line] = instructions("ENV")
    variables = dict(word.split("=", 1) for word in line.split())
    del variables["NUMBA_CPU_NAME"]
    return variables | {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}


def build(folder):
    """Copy what the image copies, with the code that was compiled ahead, and compile the bytecode as the image does."""
    folder.chmod(0o755)
    for line in instructions("COPY"):
        *sources, target = line.split()
        if line.startswith("--from") or target.startswith("/build"):
            continue
        for source in sources:
            if (ROOT / source).is_dir():
                leave = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, folder / source, ignore=leave)
            else:
                shutil.copy2(ROOT / source, folder / source)
    shutil.copytree((ROOT / ".cache" / "kernels").resolve(), folder / ".cache" / "kernels")
    [made] = [line for line in instructions("RUN") if "compileall" in line]
    words = [sys.executable, *shlex.split(made)[1:]]
    subprocess.run(words, cwd=folder, timeout=STEP_TIMEOUT_S, check=True)


def command_in(image, root, mounts, words):
    """Return a command that runs words in such a root.

    Args:
        image: what `build` made.
        root: an empty folder that the root is mounted on.
        mounts: (folder here, path there, whether it is read-only); None as folder is an empty one in memory.
        words: program and arguments, as the image's entry point and a manifest have them.
    """
    lines = [LAY_OUT]
    python = Path(sys.base_prefix)
    here = [(Path("/usr"), Path("/usr"), True), (Path(sys.prefix).resolve(), Path("/opt/venv"), True)]
    here += [] if python.is_relative_to("/usr") else [(python, python, True)]
    # The sources last: where a checkout lies in /tmp, they lie in the empty one.
    for folder, path, is_read_only in [*here, *mounts, (image, ROOT, True)]:
        if folder is None:
            there = shlex.quote(str(path))
            lines.append(f'mkdir -p "$root"{there}; mount -t tmpfs -o size=64m,mode=1777 none "$root"{there}')
        else:
            mode = "ro" if is_read_only else "rw"
            lines.append(f"bind {shlex.quote(str(folder))} {shlex.quote(str(path))} {mode}")
    lines.append('mount -o remount,ro "$root"')
    lines.append(f'exec {shutil.which("chroot")} --userspec={OWNER} "$root" {shlex.join(words)}')
    return [shutil.which("unshare"), "--mount", "sh", "-c", "\n".join(lines), "sh", str(root)]
