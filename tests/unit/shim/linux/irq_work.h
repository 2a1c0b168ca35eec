/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nobody is woken in a test: it does the work itself, when it wants. */
#ifndef SHIM_LINUX_IRQ_WORK_H
#define SHIM_LINUX_IRQ_WORK_H

struct irq_work {
	int queued;
};

#define init_irq_work(work, function) ((void)(function), (work)->queued = 0)
#define irq_work_queue(work) ((work)->queued = 1)
#define irq_work_sync(work) ((void)(work))

#endif /* SHIM_LINUX_IRQ_WORK_H */
