# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2119,SC2120
# What the scenarios share.  Sourced by /init inside the guest.  Parameters
# that every scenario understands, with their defaults:
t_tds=${t_tds:-1}		# TDs at a time
t_mib=${t_mib:-8}		# MiB of private memory of each
t_vcpus=${t_vcpus:-1}		# vCPUs of each
t_seconds=${t_seconds:-20}	# for what runs for a time
t_reset=${t_reset:-1}		# 0: without tdx_reset.ko, the negative twin
t_loader=${t_loader:-kexec-tdx}	# or kexec, of kexec-tools
t_append=${t_append:-}		# more for the next kernel; commas become spaces
t_module=${t_module:-}		# parameters of tdx_reset.ko; commas become spaces
t_at=${t_at:-0}			# where the host plugs memory in
t_mib_added=${t_mib_added:-0}	# MiB of it
reset_dir=/sys/kernel/tdx_reset

# fail TEXT: ends the scenario; TEXT is the reason in VM-RESULT.
fail() { echo "$*" >/tmp/reason; exit 1; }
note() { echo "VM-NOTE: $*"; }

# Any module of the image by its name, dependencies first.
load() {
	_name=$1; shift
	[ -e "/modules/$_name.ko" ] || fail "the image has no module $_name"
	[ -d "/sys/module/$(echo "$_name" | tr - _)" ] && return
	insmod "/modules/$_name.ko" "$@" || fail "insmod $_name.ko failed: $(dmesg | tail -n 1)"
}

# hooks: what is hooked into this kernel now, by whomever: a line for each probe
# and each traced function.
hooks() {
	for _f in /sys/kernel/debug/kprobes/list /sys/kernel/tracing/enabled_functions; do
		[ -r "$_f" ] || fail "no $_f: no way to see what is hooked"
	done
	cat /sys/kernel/debug/kprobes/list /sys/kernel/tracing/enabled_functions
}

reset_value() { cat "$reset_dir/$1" 2>/dev/null || echo missing; }

# On a kernel with checkers: are they still at work, and is no memory lost?  A
# lock report switches lockdep off, so that later ones would be missed.
check_kernel() {
	if [ -e /proc/lockdep_stats ]; then
		grep -q '^ *debug_locks: *1' /proc/lockdep_stats || fail "lockdep has switched itself off"
	fi
	_leaks=/sys/kernel/debug/kmemleak
	[ -e $_leaks ] || return 0
	# It reports what is older than 5 s.  The second scan finds what the first saw
	# a stale reference to.
	sleep 6
	if ! echo scan >$_leaks || ! echo scan >$_leaks; then
		fail "kmemleak does not scan: $(dmesg | grep kmemleak | tail -n 1)"
	fi
	[ -z "$(cat $_leaks)" ] || { cat $_leaks; fail "memory is lost: $(sed -n 1p $_leaks)"; }
}

# Load the component, unless this is the run without it.  Arguments: parameters,
# besides those of t.module.
load_reset() {
	[ "$t_reset" = 1 ] || { note "without tdx_reset"; return; }
	# shellcheck disable=SC2046
	load tdx_reset "$@" $(echo "$t_module" | tr , ' ')
	[ "$(reset_value mode)" = watch ] || fail "tdx_reset: mode is $(reset_value mode), not watch"
	[ "$(reset_value coverage)" = complete ] ||
		fail "tdx_reset: coverage is $(reset_value coverage): $(reset_value coverage_reason)"
	note "tdx_reset: $(reset_value private_pages) private pages, map $(reset_value map)"
}

# Own mode: the component and, beside it, a user of TDX (td-user).  Without the
# component's protection (t.reset=0) the user's TDs bypass it.  Arguments: more
# parameters of td-user.
load_own() {
	# shellcheck disable=SC2046
	load tdx_reset $(echo "$t_module" | tr , ' ')
	[ "$(reset_value mode)" = own ] || fail "tdx_reset: mode is $(reset_value mode), not own"
	load td-user "own=$t_reset" "tds=$t_tds" "mib=$t_mib" "vmxoff=${t_vmxoff:-1}" \
		"break_chain=${t_break:-0}" "$@"
}

# td_user COMMAND: 0 if it succeeded; see tests/td-user/main.c.
td_user() { echo "$*" >/sys/module/td_user/parameters/do; }

td_do() {
	td_user "$@" || fail "td-user: $*: $(dmesg | grep -e 'tdx_reset: ' -e 'td_user: ' | tail -n 1)"
	note "td-user $*: $(reset_value private_pages) private pages, coverage $(reset_value coverage)"
}

# trace_on KIB EVENT...: these events of the component from now on, with a buffer
# of KIB a CPU.
tracing=/sys/kernel/tracing
trace_on() {
	[ -d $tracing/events/tdx_reset ] || fail "no tracepoints of tdx_reset in $tracing"
	echo "$1" >$tracing/buffer_size_kb || fail "no room for a trace"
	shift
	for _event in "$@"; do
		echo 1 >"$tracing/events/tdx_reset/$_event/enable" || fail "no way to enable $_event"
	done
}

load_kvm() {
	[ -e /modules/irqbypass.ko ] && load irqbypass
	load kvm
	load kvm-intel tdx=1
	[ -e /dev/kvm ] || fail "no /dev/kvm: $(dmesg | tail -n 1)"
}

# wait_line FILE TEXT SECONDS: until FILE has a line with TEXT.
wait_line() {
	_left=$(($3 * 10))
	until grep -q "$2" "$1" 2>/dev/null; do
		_left=$((_left - 1))
		[ -z "${td_pid:-}" ] || kill -0 "$td_pid" 2>/dev/null ||
			fail "kvm-td ended before \"$2\": $(tail -n 1 "$1" 2>/dev/null)"
		[ $_left -gt 0 ] || fail "no \"$2\" within $3 s: $(tail -n 1 "$1" 2>/dev/null)"
		usleep 100000
	done
}

# wait_for SECONDS WHAT TEST...: until TEST... is true; WHAT is missing if it never is.
wait_for() {
	_limit=$1 _what=$2; shift 2
	_left=$((_limit * 10))
	until "$@"; do
		_left=$((_left - 1))
		[ $_left -gt 0 ] || fail "no $_what within $_limit s: $(dmesg | tail -n 1)"
		usleep 100000
	done
}

# The module race holds a function.
race=/sys/module/race/parameters
race_inside() { [ "$(cat $race/inside)" = 1 ]; }

# td_options: the command line of kvm-td for the parameters of this run.
td_options() { echo "--tds $t_tds --mib $t_mib --vcpus $t_vcpus"; }

# t.blind=1: the component's probes are taken away, so that it must be wrong.
blind_probes() {
	[ "${t_blind:-0}" = 1 ] || return 0
	echo 0 >/sys/kernel/debug/kprobes/enabled || fail "no way to disarm kprobes"
	note "blind: kprobes are disarmed"
}

# random N: from 0 to N - 1, N up to 65536.
random() { echo $(($(od -An -N2 -tu2 /dev/urandom) % $1)); }

# TDs that stay; their process in $td_pid.
hold_tds() {
	# shellcheck disable=SC2046
	"${td_program:-kvm-td}" $(td_options) --hold "$@" >/tmp/kvm-td.log 2>&1 &
	# shellcheck disable=SC2034 # for the scenarios
	td_pid=$!
	wait_line /tmp/kvm-td.log "kvm-td: holding" 120
	note "$(grep holding /tmp/kvm-td.log)"
	[ "$t_reset" = 0 ] || note "tdx_reset: $(reset_value private_pages) private pages"
}

# Private memory to lose, in the mode that this kernel has.
hold_private() {
	if [ -e /modules/td-user.ko ]; then
		load_own
		td_do enable
		td_do make
	else
		load_reset
		load_kvm
		hold_tds
	fi
}

# load_next OPTION SCENARIO: load the kernel of /boot, to run SCENARIO with the
# parameters of this one.
load_next() {
	command -v "$t_loader" >/dev/null || fail "the image has no $t_loader"
	check_kernel
	_opt=$1
	_line="console=ttyS0 earlyprintk=serial,ttyS0,115200 panic=-1 init_on_alloc=0 no_timer_check"
	_line="$_line t.run=$2 $(echo "$t_append" | tr , ' ')"
	# shellcheck disable=SC2013
	for _word in $(cat /proc/cmdline); do
		case $_word in
		t.run=*|t.append=*) ;;
		t.*) _line="$_line $_word" ;;
		esac
	done
	_start=$(cut -d' ' -f1 /proc/uptime)
	"$t_loader" "$_opt" /boot/bzImage --initrd=/boot/initramfs --command-line="$_line" ||
		fail "$t_loader $_opt failed with status $?"
	note "$t_loader $_opt: from $_start to $(cut -d' ' -f1 /proc/uptime) s"
}

# t.trap=FUNCTION: the kernel panics (t.trap_oops=1: oopses) when it is in there
# for the t.trap_after=th time.
set_trap() {
	[ -z "${t_trap:-}" ] || load make_panic how=function "function=$t_trap" \
		"after=${t_trap_after:-1}" "oops=${t_trap_oops:-0}"
}

# Does not come back.
run_next() {
	set_trap
	note "jump at $(cut -d' ' -f1 /proc/uptime) s"
	"$t_loader" -e
	fail "$t_loader -e came back with status $?"
}

# crash_memory: where a capture kernel runs, START END a line: the reservations, low
# ones first, and the crashkernel CMA area, which is not in /proc/iomem.
crash_memory() {
	sed -n 's/^ *\([0-9a-f]*\)-\([0-9a-f]*\) : Crash kernel$/0x\1 0x\2/p' /proc/iomem
	! grep -q 'crashkernel=[^ ]*,cma' /proc/cmdline ||
		dmesg | sed -n 's/.*cma: Reserved \([0-9]*\) MiB at \(0x[0-9a-f]*\).*/\2 \1/p' |
			while read -r _start _mib; do
				printf '%s 0x%x\n' "$_start" $((_start + _mib * 1048576 - 1))
			done
}

# say_crash_memory: for the host; there are t.ranges=.
say_crash_memory() {
	crash_memory >/tmp/crash-memory
	[ -s /tmp/crash-memory ] || fail "no crash kernel memory; boot with crashkernel="
	[ "$(wc -l </tmp/crash-memory)" = "${t_ranges:-1}" ] ||
		fail "$(wc -l </tmp/crash-memory) ranges for a capture kernel, not ${t_ranges:-1}"
	sed 's/^/VM-CRASH-MEMORY: /' /tmp/crash-memory
}

# part_of START END 16TH: an address there.
part_of() { echo $(($1 + ($2 + 1 - $1) * $3 / 16)); }

# reservation_page 16TH: an address in the reservation that the image is loaded to.
reservation_page() {
	# shellcheck disable=SC2046
	part_of $(sed -n 's/^ *\([0-9a-f]*\)-\([0-9a-f]*\) : Crash kernel$/0x\1 0x\2/p' /proc/iomem | tail -n 1) "$1"
}

# give_crash_memory 16TH...: pages there of each range (t.give=last: of the last one)
# go to TDX.  What CPU 1 leaves in its cache, only CPU 1 can write back: the crash
# comes on CPU 0.
give_crash_memory() {
	[ "$(nproc)" = 1 ] || stay_on 1
	give_hkid=31
	while read -r _from _to; do
		give_contig=0
		grep -q "$(printf '%x-%x : Crash kernel' "$_from" "$_to")" /proc/iomem || give_contig=1
		_pages=
		for _16th in "$@"; do _pages="$_pages $(part_of "$_from" "$_to" "$_16th")"; done
		# shellcheck disable=SC2086
		give_pages $_pages
		give_hkid=$((give_hkid - $#))
	done <<-EOF
	$(if [ "${t_give:-0}" = last ]; then tail -n 1 /tmp/crash-memory; else cat /tmp/crash-memory; fi)
	EOF
	stay_on 0
}

# stay_on CPU: this shell and its children.
stay_on() {
	read -r _self _ </proc/self/stat
	taskset -p $((1 << $1)) "$_self" >/dev/null || fail "no way to stay on CPU $1"
}

# set_watchdogs: to the shortest that the kernel takes, and a panic; and keep all CPUs
# busy, since an idle one is excused.
set_watchdogs() {
	_cpu=$(nproc)
	while [ "$_cpu" -gt 0 ]; do
		_cpu=$((_cpu - 1))
		taskset $((1 << _cpu)) sh -c 'while :; do :; done' &
	done
	echo 1 >/proc/sys/kernel/softlockup_panic &&
	echo 1 >/proc/sys/kernel/watchdog_thresh &&
	echo 3 >/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout &&
	echo 1 >/proc/sys/kernel/panic_on_rcu_stall || fail "this kernel's watchdogs cannot be set"
}

# give_pages ADDRESS...: to TDX; they are somebody else's.
give_pages() {
	if [ -e /modules/td-user.ko ]; then
		for _page in "$@"; do td_do give "$_page"; done
		return
	fi
	insmod /modules/give.ko "pa=$(echo "$*" | tr ' ' ,)" "hkid=${give_hkid:-31}" \
		"contig=${give_contig:-0}" ||
		fail "give.ko: $(dmesg | grep give: | tail -n 1)"
	note "$(dmesg | grep -o 'give: .*' | tail -n 1)"
	rmmod give
}

# Does not come back.  t.panic= says from where: sysrq, or how= of make_panic.
# t.give=image: a page of the capture kernel's image becomes private before.
# t.user=: how= of user, which has something to say at the crash, and what else it
# takes, separated by commas; private=1: a page where the capture kernel runs.
crash_now() {
	# The first that a load takes is the last of the reservation.
	[ "${t_give:-0}" != image ] || give_pages $(($(reservation_page 16) - 4096))
	# shellcheck disable=SC2046
	[ -z "${t_user:-}" ] || load user "pa=$(reservation_page 8)" $(echo "how=$t_user" | tr , ' ')
	set_trap
	note "panic at $(cut -d' ' -f1 /proc/uptime) s"
	case ${t_panic:-sysrq} in
	sysrq)
		echo 1 >/proc/sys/kernel/sysrq
		echo c >/proc/sysrq-trigger ;;
	seamcall)
		load make_panic how=seamcall "pa=$(reservation_page 5)" ;;
	*)
		load make_panic "how=$t_panic" ;;
	esac
	fail "the kernel survived a crash: $(dmesg | grep make_panic: | tail -n 1)"
}

# expect_refusal TEXT CMD...: CMD must fail, with one line that has TEXT.
expect_refusal() {
	_text=$1; shift
	command -v "$1" >/dev/null || fail "the image has no $1"
	if "$@" >/tmp/refusal.out 2>/tmp/refusal; then
		fail "$*: succeeded, must be refused"
	fi
	note "$* -> $(cat /tmp/refusal)"
	[ "$(wc -l </tmp/refusal)" = 1 ] || fail "$*: $(wc -l </tmp/refusal) lines on standard error, not one"
	grep -q -- "$_text" /tmp/refusal || fail "$*: the message does not name \"$_text\""
}

# Memory that nobody cleared takes partial writes and gives them back.
touch_memory() {
	[ -e /modules/touch.ko ] || fail "the image has no module touch"
	insmod /modules/touch.ko "$@" || fail "touch.ko: $(dmesg | grep touch: | tail -n 1)"
	note "$(dmesg | grep -o 'touch: .* pages, ok' | tail -n 1)"
	rmmod touch
}

# --- memory that is plugged in at t.at, t.mib_added MiB: nr blocks from first on
memory=/sys/devices/system/memory
block_bytes() { echo $((0x$(cat $memory/block_size_bytes))); }

# on_added_memory COMMAND: as COMMAND FILE-OF-THE-BLOCK, for each block.
on_added_memory() {
	_block=$first
	while [ $_block -lt $((first + nr)) ]; do
		"$1" $memory/memory$_block "${2:-}"
		_block=$((_block + 1))
	done
}

# plug_in ONLINE: asks the host; all blocks are there before the first one goes
# online, so many of which go by themselves.
plug_in() {
	first=$((t_at / $(block_bytes))) nr=$((t_mib_added * 1048576 / $(block_bytes)))
	[ "$nr" -ge 4 ] || fail "the DIMM has $nr blocks only"
	[ ! -e $memory/memory$first ] || fail "there is memory at $t_at already"
	echo "VM-HOTPLUG: plug"
	wait_for 60 "memory at $t_at" [ -e $memory/memory$((first + nr - 1)) ]
	settle "$1"
}

# settle ONLINE: until so many blocks are online.  For none there is no sign: a rest.
settle() {
	if [ "$1" = 0 ]; then sleep 2; else wait_for 30 "$1 blocks online" blocks_are "$1"; fi
}
blocks_are() { [ "$(blocks_online)" = "$1" ]; }

say_online() { [ "$(cat "$1/online")" = 0 ] || echo online; }
blocks_online() { on_added_memory say_online | wc -l; }

# Blocks that are refused stay as they are.
write_state() { echo "$2" >"$1/state" 2>/dev/null || :; }
bring() { on_added_memory write_state "$1"; }

auto_online() {
	echo "$1" >$memory/auto_online_blocks || fail "no way to say what becomes of added memory"
}
hotplug_messages() { dmesg | grep -c "tdx_reset: hotplug: memory ${1:-}"; }
