# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The cases with memory that is added while the machine runs.  Sourced by case,
# which has the helpers.
# shellcheck disable=SC2034,SC2154 # VM_DIMMS is for vm.sh; why, vm_why, name, kernel, touch are of case

dimm_at=0x100000000 dimm_mib=512	# four memory blocks

# The guest sees it when the simulator does.
plug_in() {
	vm_monitor stop
	vm_monitor "object_add memory-backend-ram,id=added,size=${dimm_mib}M"
	vm_monitor "device_add pc-dimm,id=dimm,memdev=added,addr=$dimm_at"
	_tries=$((150 * VM_SLOW))
	until vm_ctl plugged "$dimm_at" >/dev/null 2>&1; do
		_tries=$((_tries - 1))
		[ $_tries -gt 0 ] || { bad "the DIMM is not there: $(tr -d '\r' <"$VM_DIR/$vm_name/monitor.log" | tail -n 3)"; break; }
		sleep 0.2
	done
	vm_monitor cont
}

# case hotplug CMR ONLINE [PARAM...]: a DIMM is plugged in when the guest says so
#   CMR      all | half | none: what of it the firmware made fit for TDX
#   ONLINE   its blocks that may be online at the end
# t.said=: what the log must say (case).  t.kexec=1: the guest ends with a kexec;
# t.inside=1: with TD memory on the DIMM, or 0: with none there.
case_hotplug() {
	cmr=$1 online=$2; shift 2
	VM_DIMMS=2
	run=hotplug
	[ "$kernel" != tdxhost ] && [ "$kernel" != debughost ] || run=hotplug-watch
	opts=sys_disable=absent,cmr=0x100000-0x80000000
	case $cmr in
	all) opts=$opts,cmr=0x100000000-0x120000000 ;;
	half) opts=$opts,cmr=0x100000000-0x110000000 ;;
	esac
	vm_start "$name" "$kernel" 2 2048 "$opts" "t.run=$run" "t.at=$dimm_at" "t.mib_added=$dimm_mib" \
		"t.blocks=$online" t.mib=16 "$touch" "$@"
	inject_early
	vm_wait '^VM-START: ' 150 || { bad "$vm_why"; finish; }
	vm_wait '^VM-HOTPLUG: plug\|^VM-RESULT: ' 150 || bad "$vm_why"
	plug_in
	case " $* " in
	*' t.kexec=refused '*) hotplug_refused "$@" ;;
	*' t.kexec=1 '*) hotplug_kexec "$@" ;;
	*) vm_result 180 || bad "$vm_why" ;;
	esac
	expect_said "$@"
	grep -a 'tdx_reset: hotplug: \|VM-NOTE: hotplug' "$(vm_log)" | tail -n 4
	finish
}

# augmented_inside RAX: TDH.MEM.PAGE.AUG with pages of the DIMM, in the first kernel,
# that ended so.
augmented_inside() { grep -c '"leaf":"TDH.MEM.PAGE.AUG".*"r8":"0x1[01][0-9a-f]\{7\}","rax":"'"$1"'"' "$VM_DIR/$vm_name/events.jsonl" || :; }

hotplug_kexec() {
	vm_result 240 || bad "the next kernel did not finish: $vm_why"
	expect_zero "inherited private and dirty lines" "$(jump_event 2 | number owned_lines)"
	expect_zero "inherited poisoned lines" "$(jump_event 2 | number poisoned_lines)"
	expect_zero "machine checks" "$(events mce)"
	expect_zero "pages left at the hand-off" "$(handoff left)"
	expect_some "pages scrubbed" "$(handoff scrubbed)"
	case " $* " in
	*' t.inside=1 '*) expect_some "pages of the DIMM that TDs had" "$(augmented_inside 0x0)" ;;
	*' t.inside=0 '*) expect_zero "pages of the DIMM that TDs were to have" "$(augmented_inside '0x[0-9a-f]*')" ;;
	esac
	grep -a 'tdx_reset: hand-off:' "$(vm_log)" | tail -n 1
}

hotplug_refused() {
	vm_wait 'hand-off: .* refused: .*; resetting through firmware' 180 || bad "$vm_why"
	expect_reset
	expect_some "pages of the DIMM that TDs had" "$(augmented_inside 0x0)"
	grep -a 'hand-off:' "$(vm_log)" | tail -n 2
}

# case nvdimm ONLINE [PARAM...]: an NVDIMM, which is no CMR, in device-dax mode
#   ONLINE   blocks that may be online once kmem has taken it; t.kmem=0: it does
#            not, and no byte of it may change
case_nvdimm() {
	online=$1; shift
	file=$VM_DIR/$name.nvdimm
	VM_DIMMS=2
	VM_ARGS="-machine nvdimm=on -object memory-backend-file,id=nv,share=on,mem-path=$file,size=${dimm_mib}M"
	VM_ARGS="$VM_ARGS -device nvdimm,id=nv0,memdev=nv,addr=$dimm_at"
	mkdir -p "$VM_DIR"
	yes "what the NVDIMM holds" | head -c "${dimm_mib}M" >"$file"
	vm_start "$name" "$kernel" 2 2048 sys_disable=absent,cmr=0x100000-0x80000000 t.run=hotplug-nvdimm \
		"t.at=$dimm_at" "t.blocks=$online" t.mib=16 "$touch" "$@"
	hotplug_kexec "$@"
	expect_said "$@"
	case " $* " in *' t.kmem=0 '*)
		# Behind the first 2 MiB, where device-dax keeps what it is.
		yes "what the NVDIMM holds" | head -c "${dimm_mib}M" | cmp -i 2M - "$file" ||
			bad "the memory in device-dax mode was changed"
		echo "nvdimm: $((dimm_mib - 2)) MiB unchanged" ;;
	esac
	rm -f "$file"
	grep -a 'tdx_reset: hotplug: \|VM-NOTE: hotplug' "$(vm_log)" | tail -n 4
	finish
}
