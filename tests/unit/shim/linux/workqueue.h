/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See irq_work.h. */
#ifndef SHIM_LINUX_WORKQUEUE_H
#define SHIM_LINUX_WORKQUEUE_H

struct work_struct {
	int queued;
};

#define INIT_WORK(work, function) ((void)(function), (work)->queued = 0)
#define queue_work(queue, work) ((work)->queued = 1)
#define cancel_work_sync(work) ((void)(work))

#endif /* SHIM_LINUX_WORKQUEUE_H */
