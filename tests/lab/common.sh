# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What every script of the lab shares: where things are, how it speaks, how
# a command runs inside the lab root.  Sourced, never run.
#
# The cache holds what is slow to make.  Deleting it costs time, nothing else:
#   $cache/root      Debian root with compilers and QEMU
#   $cache/kernels   NAME/{bzImage,build,modules,release}

top=${top:?the caller sets top to the root of the source tree}
if [ -n "${KEXEC_TDX_CACHE:-}" ]; then
	cache=$KEXEC_TDX_CACHE
elif [ "$(id -u)" = 0 ]; then
	cache=/var/cache/kexec-tdx
else
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/kexec-tdx
fi
root=$cache/root
out=$cache/out/$(printf %s "$top" | cksum | cut -d' ' -f1)
export top cache root out
# chroot and mkfs live there; an ordinary user's PATH lacks it.
PATH=$PATH:/usr/sbin:/sbin
export PATH

say() { printf '%s\n' "$*" >&2; }
die() { say "run: $*"; exit 1; }

# step TEXT CMD...: one slow step with its log, its time and its end.  On
# failure the end of the log is shown, because that is what will be asked for.
step() {
	_text=$1; shift
	mkdir -p "$cache/log"
	_log=$cache/log/$(printf %s "$_text" | tr -cs 'A-Za-z0-9._-' -).log
	_start=$(date +%s)
	printf '%-52s ' "$_text" >&2
	# Its own process group would outlive an interrupt; its children too.
	"$@" >"$_log" 2>&1 </dev/null 9>&- &
	_pid=$!
	trap 'kill $_pid 2>/dev/null; say; die "interrupted: $_text"' INT TERM HUP
	while kill -0 $_pid 2>/dev/null; do
		sleep 1
		[ -t 2 ] && printf '\r%-52s %4d s' "$_text" $(($(date +%s) - _start)) >&2
	done
	_ok=0
	wait $_pid || _ok=1
	trap - INT TERM HUP
	if [ $_ok = 0 ]; then
		[ -t 2 ] && printf '\r%-52s' "$_text" >&2
		printf '%4d s\n' $(($(date +%s) - _start)) >&2
	else
		printf 'FAILED\n' >&2
		tail -n 30 "$_log" >&2
		die "$_text failed; the whole log is $_log"
	fi
}

# Namespaces: root needs a mount namespace only (what is mounted for the lab
# never shows outside); an ordinary user also needs to be root inside, with a
# range of ids that newuidmap grants.
if [ "$(id -u)" = 0 ]; then
	lab_ns='unshare --mount --propagation slave'
else
	lab_ns='unshare --mount --propagation slave --map-root-user --map-auto'
fi

# lab CMD...: run a command inside the lab root, in the source tree, which is
# at /src there; build results are at /out, kernels at /kernels.
lab() {
	mkdir -p "$out" "$cache/kernels"
	$lab_ns sh -ec '
		root=$1 top=$2 out=$3 kernels=$4; shift 4
		for d in proc sys dev; do mount --rbind /$d "$root/$d"; done
		mkdir -p "$root/src" "$root/out" "$root/kernels"
		mount --bind "$top" "$root/src"
		mount --bind "$out" "$root/out"
		mount --bind "$kernels" "$root/kernels"
		mount -t tmpfs tmp "$root/tmp"
		exec chroot "$root" /usr/bin/env -i ${http_proxy:+http_proxy="$http_proxy"} \
			${https_proxy:+https_proxy="$https_proxy"} ${no_proxy:+no_proxy="$no_proxy"} PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			HOME=/root LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" \
			${KEXEC_TDX_JOBS:+KEXEC_TDX_JOBS="$KEXEC_TDX_JOBS"} ${VM_SLOW:+VM_SLOW="$VM_SLOW"} \
			sh -c "cd /src && exec \"\$@\"" sh "$@"
	' sh "$root" "$top" "$out" "$cache/kernels" "$@"
}
