# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# VMs of the tests, as shell functions; sourced inside the lab.  One script may
# have several VMs; the functions without NAME mean the one started last, or
# chosen with vm_use.  Every VM has a time limit of its own and ends with the
# script, so nothing can hang and nothing is left behind.
#
#   vm_images KERNEL                  make the images for a kernel of /kernels
#   vm_start NAME KERNEL SMP MEM PLUGINOPTS APPEND...
#                                     MEM in MiB; PLUGINOPTS "" for none;
#                                     APPEND as on a kernel command line
#   vm_wait PATTERN SECONDS           until the serial log has a line with it
#   vm_result SECONDS                 until VM-RESULT; 0 if ok; prints the line
#   vm_ctl REQUEST...                 ask the simulator
#   number KEY                        a value out of its answer
#   vm_monitor COMMAND...             a command for QEMU's monitor (VM_DIMMS), which
#                                     is not done yet when this returns
#   vm_end [NAME]                     kill it
#   vm_log                            path of the serial log
#
# Variables the caller may set:
#   VM_BUILD     where make put its results
#   PLUGIN       the simulated TDX host; empty: plain QEMU
#   SIMCTL       program that speaks to its control socket
#   VM_DIR       where logs and sockets go, a folder for each NAME
#   VM_MODEL     CPU model: 143, 207 have the partial-write erratum, 173 has not
#   VM_CPU       more for QEMU's -cpu, such as la57=off
#   VM_PROGRAMS  more programs for the image, by their paths in the lab
#   VM_ERST      file with the platform's error record store, where pstore keeps
#                the log of a kernel that ended; empty: the machine has none
#   VM_NODES     NUMA nodes among which CPUs and memory are shared out evenly
#   VM_DIMMS     slots for memory that is plugged in; then there is a monitor
#   VM_ARGS      more for QEMU
#   VM_LIMIT     seconds after which QEMU is killed, whatever it does
#   VM_SLOW      kernel or machine are so many times slower: limits are longer, and
#                nothing else, so that it costs nothing where all goes well

: "${VM_BUILD=/out}"
: "${PLUGIN=$VM_BUILD/tests/sim/tdx-sim.so}"
: "${SIMCTL=$VM_BUILD/tests/sim/simctl}"
: "${VM_DIR=/out/vm}"
: "${VM_MODEL=143}"
: "${VM_CPU=}"
: "${VM_PROGRAMS=}"
: "${VM_ERST=}"
: "${VM_NODES=}"
: "${VM_DIMMS=}"
: "${VM_ARGS=}"
: "${VM_LIMIT=300}"
: "${VM_SLOW=1}"
vm_src=${vm_src:-/src/tests/vm}
vm_names=''
vm_name=''

vm_say() { printf 'vm: %s\n' "$*" >&2; }

# The modules that a kernel's image can have: what was built for it, and KVM
# where that kernel can make TDs.
vm_modules() {
	for _m in tdx_reset touch give blind race user faulty pte-mark fragment td-user make_panic; do
		[ -e "/out/modules/$1/$_m.ko" ] && printf -- '-m /out/modules/%s/%s.ko ' "$1" "$_m"
	done
	if grep -q '^CONFIG_KVM_INTEL_TDX=y' "/kernels/$1/build/.config" 2>/dev/null; then
		printf -- '-m kvm -m kvm-intel '
	fi
	# NVDIMMs, where the kernel has drivers for them.
	if grep -q '^CONFIG_DEV_DAX_KMEM=m' "/kernels/$1/build/.config" 2>/dev/null; then
		printf -- '-m nfit -m nd_pmem -m dax_pmem -m device_dax -m kmem '
	fi
	# A file system for the page cache to hold, where memory is fragmented.
	[ ! -e "/out/modules/$1/fragment.ko" ] || printf -- '-m loop '
}

# The image that the first kernel boots into; one more for more programs.
vm_image() {
	printf '/out/images/%s.main%s\n' "$1" \
		"${VM_PROGRAMS:+.$(echo "$VM_PROGRAMS" | cksum | cut -d' ' -f1)}"
}

vm_images() {
	_k=$1
	_loaders='-b /usr/sbin/kexec'
	for _p in kexec-tdx/kexec-tdx tests/kvm-td/kvm-td tests/raw-kexec/raw-kexec \
		tests/fragment/fragment-load; do
		[ -x "$VM_BUILD/$_p" ] && _loaders="$_loaders -b $VM_BUILD/$_p"
	done
	# td-user: own mode, in which the next kernel may want TDX, too.
	_next=''
	for _m in touch td-user tdx_reset; do
		[ -e "/out/modules/$_k/$_m.ko" ] || continue
		[ $_m != tdx_reset ] || [ -e "/out/modules/$_k/td-user.ko" ] || continue
		_next="$_next -m /out/modules/$_k/$_m.ko"
	done
	for _p in $VM_PROGRAMS; do _loaders="$_loaders -b $_p"; done
	mkdir -p /out/images
	# Several tests may want the same image at once.
	(
		flock 9
		# The next kernel needs little, and loading it costs by the byte.
		# shellcheck disable=SC2086,SC2046
		"$vm_src/mkinitramfs" -k "$_k" -o "/out/images/$_k.second" $_next &&
		"$vm_src/mkinitramfs" -k "$_k" -o "$(vm_image "$_k")" $_loaders $(vm_modules "$_k") \
			-f "/kernels/$_k/bzImage=/boot/bzImage" \
			-f "/out/images/$_k.second=/boot/initramfs"
	) 9>/out/images/lock
}

# number KEY: the value of a member of the JSON line on standard input.
number() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"; }

vm_use() { vm_name=$1; }
vm_log() { echo "$VM_DIR/$vm_name/serial.log"; }
vm_pid() { cat "$VM_DIR/$vm_name/pid" 2>/dev/null; }
vm_running() { _p=$(vm_pid) && kill -0 "$_p" 2>/dev/null; }

vm_start() {
	vm_name=$1; _kernel=$2 _smp=$3 _mem=$4 _opts=$5; shift 5
	_dir=$VM_DIR/$vm_name
	vm_running && vm_end "$vm_name"
	rm -rf "$_dir"
	mkdir -p "$_dir"
	vm_images "$_kernel" || return 1
	# no_timer_check: on a busy host the timer may not tick while a kernel looks.
	_append="console=ttyS0 panic=-1 init_on_alloc=0 no_timer_check $*"
	set -- -M q35 -accel tcg,thread=multi \
		-cpu max,vendor=GenuineIntel,family=6,model=$VM_MODEL,stepping=8,svm=off${VM_CPU:+,$VM_CPU} \
		-nodefaults -no-user-config -no-reboot -display none \
		-serial "file:$_dir/serial.log" -smp "$_smp" -m "$_mem${VM_DIMMS:+,slots=$VM_DIMMS,maxmem=16G}" \
		-kernel "/kernels/$_kernel/bzImage" -initrd "$(vm_image "$_kernel")" \
		-append "$_append"
	if [ -n "$VM_ERST" ]; then
		set -- "$@" -device acpi-erst,memdev=erst \
			-object "memory-backend-file,id=erst,mem-path=$VM_ERST,size=64K,share=on"
	fi
	if [ -n "$PLUGIN" ]; then
		[ -e "$PLUGIN" ] || { vm_say "$PLUGIN: no such plugin; build it, or set PLUGIN to nothing"; return 1; }
		set -- "$@" -plugin "$PLUGIN,log=$_dir/events.jsonl,ctl=$_dir/ctl${_opts:+,$_opts}"
	fi
	if [ -n "$VM_DIMMS" ]; then
		mkfifo "$_dir/monitor.in" "$_dir/monitor.out"
		set -- "$@" -monitor "pipe:$_dir/monitor"
		timeout "$((VM_LIMIT * VM_SLOW))" cat "$_dir/monitor.out" >"$_dir/monitor.log" 2>&1 &
	fi
	_node=0
	while [ $_node -lt "${VM_NODES:-0}" ]; do
		_first=$((_smp / VM_NODES * _node))
		set -- "$@" -object "memory-backend-ram,id=node$_node,size=$((_mem / VM_NODES))M" \
			-numa "node,cpus=$_first-$((_first + _smp / VM_NODES - 1)),memdev=node$_node"
		_node=$((_node + 1))
	done
	# shellcheck disable=SC2086
	set -- "$@" $VM_ARGS
	: >"$_dir/serial.log"
	printf '%s ' qemu-system-x86_64 "$@" >"$_dir/command"
	vm_names="$vm_names $vm_name"
	trap vm_end_all EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	timeout -k 5 "$((VM_LIMIT * VM_SLOW))" qemu-system-x86_64 "$@" >"$_dir/qemu.log" 2>&1 </dev/null &
	echo $! >"$_dir/pid"
}

# vm_silent LOG: a kernel in its early boot has said nothing for so long that it never
# will (tests/vm/stalled judges what that means).
vm_silent() {
	[ $(($(date +%s) - $(stat -c %Y "$1"))) -ge $((30 * VM_SLOW)) ] &&
		grep -a -e 'Linux version' -e '^VM-START' "$1" | tail -n 1 | grep -q 'Linux version'
}

# 0: the line is there; 1: not within the time, or QEMU ended without it, or there is
# no more to wait for.  Why is in $vm_why.  The last look comes after QEMU's end, so
# that no line is missed.
vm_wait() {
	_pattern=$1 _tries=$(($2 * 5 * VM_SLOW)) _log=$(vm_log)
	while :; do
		_alive=0
		vm_running && _alive=1
		grep -a -q -e "$_pattern" "$_log" && return 0
		if [ $_alive = 0 ]; then
			_ended=0
			wait "$(vm_pid)" || _ended=$?	# above 128: a signal
			vm_why="$vm_name: QEMU ended with status $_ended before \"$_pattern\"; $(tail -n 1 "$VM_DIR/$vm_name/qemu.log") (log: $_log)"
			return 1
		fi
		if [ $_tries -le 0 ]; then
			vm_why="$vm_name: no \"$_pattern\" within $(($2 * VM_SLOW)) s (log: $_log)"
			return 1
		fi
		if [ $((_tries % 25)) = 0 ] && vm_silent "$_log"; then
			vm_why="$vm_name: no \"$_pattern\" and no word for $((30 * VM_SLOW)) s in the early boot (log: $_log)"
			return 1
		fi
		_tries=$((_tries - 1))
		sleep 0.2
	done
}

vm_result() {
	if ! vm_wait '^VM-RESULT: ' "$1"; then
		echo "VM-RESULT: none: $vm_why"
		return 1
	fi
	_line=$(grep -a -m 1 '^VM-RESULT: ' "$(vm_log)" | tr -d '\r')
	echo "$_line"
	[ "$_line" = "VM-RESULT: ok" ]
}

# Its answers are in monitor.log.
vm_monitor() { echo "$*" >"$VM_DIR/$vm_name/monitor.in"; }

vm_ctl() { timeout "$((60 * VM_SLOW))" "$SIMCTL" "$VM_DIR/$vm_name/ctl" "$@"; }

# timeout passes TERM on to QEMU, and KILLs it if that does not help.
vm_end() {
	[ $# = 0 ] || vm_use "$1"
	_p=$(vm_pid) || return 0
	kill "$_p" 2>/dev/null || :
	wait "$_p" 2>/dev/null || :
	rm -f "$VM_DIR/$vm_name/pid"
}

vm_end_all() {
	for _n in $vm_names; do vm_end "$_n"; done
	vm_names=''
}
