#!/usr/bin/env bash
# Installs the Debian package in a clean root, does there what a newcomer does, without a network, and takes the
# package away again. Prints the commands, what they say and how long they take; fails where one does.
#
#   sudo cli/packaging/try.sh PACKAGE.deb [FOLDER]     # FOLDER: documents to add
#
# Needs debootstrap. Where systemd-nspawn is there, the root is also booted twice, to see the daemon come back.
set -euo pipefail

package=$(realpath "$1")
here=$(cd "$(dirname "$0")/../.." && pwd)
documents=$(realpath "${2:-$here/fixtures/library}")
root=${LSEARCH_TRY_ROOT:-$(mktemp -d)}
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

if [ ! -x "$root/bin/sh" ]; then
  echo "making a root of $suite in $root" >&2
  debootstrap --variant=minbase "$suite" "$root" >"$root.log" 2>&1
fi
leave() {
  umount -q "$root/proc" || true
  if [ -z "${LSEARCH_TRY_ROOT:-}" ]; then rm -rf "$root" "$root.log"; fi
}
trap leave EXIT
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"

if command -v systemd-nspawn >/dev/null && [ ! -e "$root/usr/bin/systemctl" ]; then
  chroot "$root" sh -c "apt-get install -y -q --no-install-recommends \
    systemd systemd-sysv dbus dbus-user-session libpam-systemd" >>"$root.log" 2>&1
fi

# Files outside home and temporary folders, to see what the package leaves.
list() { find "$root" -xdev \( -path "$root/home" -o -path "$root/tmp" -o -path "$root/proc" -o -path "$root/var" \) \
  -prune -o -print | sort; }
list >"$root.before"

# A line is shown, run in the root and timed. The second kind is run as a person and cut off from the network.
as_root() { timed env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot "$root" sh -c "$1"; }
as_person() { timed unshare -n env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" su - newcomer -c "export TERM=dumb; $1"; }
timed() {
  printf '\n$ %s\n' "${*: -1}" | sed 's/^\$ export TERM=dumb; /$ /'
  local start=$EPOCHREALTIME
  "$@" 2>&1 || { local code=$?; [ "$code" = "${expected:-0}" ] || { echo "exit code $code" >&2; exit 1; }; }
  printf '[%.1f s]\n' "$(echo "$EPOCHREALTIME - $start" | bc)"
}

cp "$package" "$root/tmp/lsearch.deb"
as_root "useradd -m -s /bin/bash newcomer"
mkdir -p "$root/home/newcomer/Documents"
cp -r "$documents"/. "$root/home/newcomer/Documents/"
printf 'nothing here\n' >"$root/home/newcomer/Documents/.hidden.txt"
chroot "$root" chown -R newcomer: /home/newcomer

echo; echo "# 1. Install"
as_root "apt-get install -y -q /tmp/lsearch.deb 2>&1 | tail -3"
as_person "lsearch --version"
as_person "lsearch"
expected=2 as_person "lsearch search 'who pays for repairs'"

echo; echo "# 2. Add"
as_person "lsearch add ~/Documents"
as_person "lsearch status"

echo; echo "# 3. Search"
as_person "lsearch search -n 3 'who pays for repairs'"
as_person "lsearch search -n 1 --json 'notice of termination' | head -c 300"

echo; echo "# 4. Why is a file missing?"
expected=1 as_person "lsearch folders --why ~/Documents/.hidden.txt"
as_person "lsearch doctor"

echo; echo "# 5. Keep it running"
as_person "lsearch daemon install --print && lsearch daemon start && lsearch daemon status"
as_person "echo 'The gasket was replaced in Lisbon.' > ~/Documents/new.txt; sleep 3; lsearch search -n 1 'gasket Lisbon'"
as_person "lsearch daemon stop"

if command -v systemd-nspawn >/dev/null; then
  echo; echo "# … after a restart of the machine"
  mkdir -p "$root/var/lib/systemd/linger"
  touch "$root/var/lib/systemd/linger/newcomer"
  umount "$root/proc"
  cat >"$root/tmp/boot.sh" <<'BOOT'
#!/bin/sh
# At the first boot the daemon is installed; at the second it has to run by itself.
person() { su - newcomer -c "export XDG_RUNTIME_DIR=/run/user/1000; $1"; }
for _ in $(seq 60); do [ -S /run/user/1000/bus ] && break; sleep 1; done
{
  if [ ! -e /var/tmp/booted ]; then touch /var/tmp/booted; person "lsearch daemon install"; else sleep 3; fi
  person "lsearch daemon status; systemctl --user is-active lsearch"
  [ $? = 0 ] && echo "runs"
} >>/var/tmp/boots 2>&1
systemctl poweroff
BOOT
  chmod +x "$root/tmp/boot.sh"
  cp "$root/tmp/boot.sh" "$root/usr/local/bin/boot.sh"
  printf '[Unit]\nAfter=systemd-user-sessions.service\n[Service]\nExecStart=/usr/local/bin/boot.sh\n' \
    >"$root/etc/systemd/system/newcomer.service"
  mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
  ln -sf ../newcomer.service "$root/etc/systemd/system/multi-user.target.wants/"
  for _ in 1 2; do
    timeout 120 systemd-nspawn -q -D "$root" --register=no --keep-unit -b --console=pipe >>"$root.log" 2>&1
  done
  cat "$root/var/tmp/boots"
  [ "$(grep -c '^runs$' "$root/var/tmp/boots")" = 2 ]
  rm -f "$root/usr/local/bin/boot.sh" "$root/etc/systemd/system/"{,multi-user.target.wants/}newcomer.service
  mount -t proc proc "$root/proc"
fi

echo; echo "# Take it away"
as_root "apt-get purge -y -q lsearch 2>&1 | tail -2"
list >"$root.after"
if left=$(comm -13 "$root.before" "$root.after" | grep -v -e '/etc/' -e /usr/share/lintian) && [ -n "$left" ]; then
  echo "left behind:"; echo "$left"
  exit 1
fi
rm -f "$root.before" "$root.after"
echo "nothing left behind but the person's own index"
