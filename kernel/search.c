// SPDX-License-Identifier: GPL-2.0-only
/*
 * At load: what is private already?  TDH.PHYMEM.PAGE.RDMD tells a page's type.
 * Every page of System RAM that is in use is asked for, on all CPUs.
 *
 * TDs, which may be made, run and die meanwhile: the module names their pages.
 * The watch is on, so what becomes private during the search is in the tracker
 * before; what was private before is found here, unless it has come back by
 * then.
 *
 * PAMT.  RDMD answers RSVD for it, as for whatever a TDMR reserves.  In Linux
 * that is holes between memblock's ranges, which are no System RAM, the first
 * megabyte, which is skipped, and the PAMT.  A page that the page allocator
 * never had, or has right now, or that lies on an LRU list, is no PAMT page
 * either.
 *
 * RDMD takes the lock of a page's PAMT entry for a moment, and a SEAMCALL of the
 * kernel on the same page would be told that it is busy.  Those that name their
 * page are held back (effects_hold()); TDH.MEM.PAGE.REMOVE, which does not, KVM
 * repeats.
 *
 * What our SEAMCALLs left in the caches under a private KeyID is written back
 * at the end: the kernel does not know of it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ioport.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <asm/smp.h>

#include "coverage.h"
#include "effects.h"
#include "seamcall.h"
#include "tdx/abi.h"
#include "tdx_reset.h"
#include "trace.h"

#define FIRST_PFN		(SZ_1M >> PAGE_SHIFT)	/* Linux gives TDX nothing below */
#define CHUNK_PAGES		(SZ_2M >> PAGE_SHIFT)	/* what a CPU takes at a time */
#define PROGRESS_SECONDS	5

struct search;

/**
 * struct searcher - what one CPU found
 * @search: the run it belongs to
 * @done: its thread is out of this module
 * @pamt_pages: found
 * @td_pages: found, that belong to a TD
 * @unanswered: pages whose type could not be read
 * @asked: calls of TDH.PHYMEM.PAGE.RDMD
 */
struct searcher {
	struct search *search;
	struct completion done;
	u64 pamt_pages;
	u64 td_pages;
	u64 unanswered;
	u64 asked;
};

/**
 * struct search - one run over all memory
 * @searchers: one for each CPU online at the beginning
 * @nr: how many
 * @nr_chunks: of memory
 * @next_chunk: the next one that nobody has taken
 */
struct search {
	struct searcher *searchers;
	unsigned int nr;
	u64 nr_chunks;
	atomic64_t next_chunk;
};

struct ram_walk {
	search_ram_func func;
	void *arg;
};

static int ram_walk_one(struct resource *res, void *arg)
{
	struct ram_walk *walk = arg;
	u64 pfn = PFN_UP(res->start);
	u64 end = PFN_DOWN(res->end + 1);

	return end > pfn ? walk->func(pfn, end - pfn, walk->arg) : 0;
}

/**
 * search_walk_ram - look at all System RAM
 * @func: called for each range, in order of addresses, until it answers non-zero
 * @arg: for @func
 *
 * Context: process, may sleep.
 * Return: what @func answered last, or -EINVAL if there is no range.
 */
int search_walk_ram(search_ram_func func, void *arg)
{
	struct ram_walk walk = { .func = func, .arg = arg };

	return walk_iomem_res_desc(IORES_DESC_NONE,
				   IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY,
				   0, -1, &walk, ram_walk_one);
}

static int raise_end(u64 pfn, u64 nr, void *arg)
{
	u64 *end = arg;

	*end = max(*end, pfn + nr);
	return 0;
}

/**
 * search_memory_end - the first page frame behind System RAM
 * @end_pfn: the answer
 *
 * Context: process, may sleep.
 * Return: 0 or -ENXIO.
 */
int search_memory_end(u64 *end_pfn)
{
	*end_pfn = 0;
	search_walk_ram(raise_end, end_pfn);
	return *end_pfn ? 0 : -ENXIO;
}

static int populate(u64 pfn, u64 nr, void *arg)
{
	return tracker_populate(&tracker, pfn, nr);
}

/**
 * search_populate - give the tracker room for all System RAM
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int search_populate(void)
{
	return search_walk_ram(populate, NULL);
}

/* The type of a page; TDX_PT_NDA for one that TDX cannot own.  -EIO: no answer. */
static int page_type(struct searcher *searcher, u64 pfn, u64 *type)
{
	int ret = seamcall_page_type(pfn, type, &searcher->asked);

	if (ret == -ENXIO) {
		*type = TDX_PT_NDA;
		return 0;
	}
	if (ret)
		searcher->unanswered++;
	return ret;
}

/*
 * Not free, and not what the kernel itself uses a page for.  A page without a
 * reference is free (or slab, or the tail of some block that is not compound,
 * which nobody gives to TDX page by page).
 */
static bool page_in_use(struct page *page)
{
	return page_count(page) && !PageReserved(page) && !PageSlab(page) &&
	       !PageTable(page);
}

/* In use by whom nobody knows, as the PAMT is. */
static bool page_is_plain(struct page *page)
{
	return page_in_use(page) && !PageCompound(page) && !PageLRU(page);
}

/* Does a page of this type belong to TDX? */
static bool type_private(u64 type, struct page *page)
{
	return type > TDX_PT_RSVD || (type == TDX_PT_RSVD && page_is_plain(page));
}

/*
 * Ask for one page.  It enters the tracker before: what gives a page back need
 * not name it, so only a page that was private after it had entered is sure to
 * leave when it is rewritten.  And it is asked for once: KVM repeats a busy
 * TDH.MEM.PAGE.REMOVE, which cannot be held back, no more than once.
 */
static void search_page(struct searcher *searcher, u64 pfn, struct page *page)
{
	u64 type;

	if (tracker_test(&tracker, pfn))
		return;
	if (tracker_set(&tracker, pfn, 1) == -ERANGE)
		coverage_lose(COVERAGE_OUTSIDE_MAP);
	if (page_type(searcher, pfn, &type))
		return;	/* it stays; coverage is lost at the end */
	if (!type_private(type, page)) {
		tracker_clear(&tracker, pfn, 1);
		return;
	}
	trace_tdx_set(pfn, 1, 1, TDH_PHYMEM_PAGE_RDMD);
	if (type == TDX_PT_RSVD)
		searcher->pamt_pages++;
	else
		searcher->td_pages++;
}

static void search_chunk(struct searcher *searcher, u64 pfn, u64 end)
{
	for (; pfn < end; pfn++) {
		struct page *page = pfn_to_online_page(pfn);
		unsigned long flags;

		/* Memory is there or not by sections of 2 MiB at least. */
		if (!page)
			return;
		if (!page_in_use(page))
			continue;
		if (!effects_hold(pfn, &flags)) {
			searcher->unanswered++;
			return;
		}
		search_page(searcher, pfn, page);
		effects_release(pfn, flags);
	}
}

static void search_chunks(struct searcher *searcher)
{
	struct search *search = searcher->search;
	u64 chunk;

	while ((chunk = atomic64_fetch_inc(&search->next_chunk)) < search->nr_chunks) {
		cond_resched();
		search_chunk(searcher, max(chunk * CHUNK_PAGES, FIRST_PFN),
			     (chunk + 1) * CHUNK_PAGES);
	}
}

static int search_thread(void *data)
{
	struct searcher *searcher = data;

	search_chunks(searcher);
	kthread_complete_and_exit(&searcher->done, 0);
}

static void show_progress(struct search *search, ktime_t start)
{
	u64 done = min_t(u64, atomic64_read(&search->next_chunk), search->nr_chunks);
	u64 seconds = ktime_ms_delta(ktime_get(), start) / MSEC_PER_SEC;

	pr_info("search: %llu of %llu MiB after %llu s, about %llu s left\n",
		done * CHUNK_PAGES >> (20 - PAGE_SHIFT),
		search->nr_chunks * CHUNK_PAGES >> (20 - PAGE_SHIFT), seconds,
		done ? seconds * (search->nr_chunks - done) / done : 0);
}

/* On every CPU for which a thread can be made, or here. */
static void search_all(struct search *search)
{
	ktime_t start = ktime_get();
	unsigned int cpu, i, threads = 0;

	for_each_online_cpu(cpu) {
		struct searcher *searcher = &search->searchers[threads];
		struct task_struct *thread;

		if (threads == search->nr)
			break;
		searcher->search = search;
		init_completion(&searcher->done);
		thread = kthread_create_on_cpu(search_thread, searcher, cpu,
					       "tdx_search/%u");
		if (IS_ERR(thread))
			continue;
		wake_up_process(thread);
		threads++;
	}
	if (!threads)
		search_chunks(&search->searchers[0]);
	for (i = 0; i < threads; i++)
		while (!wait_for_completion_timeout(&search->searchers[i].done,
						    PROGRESS_SECONDS * HZ))
			show_progress(search, start);
}

static int search_create(struct search *search)
{
	u64 end_pfn;

	search->nr = min(num_online_cpus(), tracker_search_cpus(&tracker));
	search_memory_end(&end_pfn);	/* the tracker may have room for more */
	search->nr_chunks = DIV_ROUND_UP(end_pfn, CHUNK_PAGES);
	search->searchers = kcalloc(search->nr, sizeof(*search->searchers), GFP_KERNEL);
	return search->searchers ? 0 : -ENOMEM;
}

/*
 * Has the kernel never configured TDX?  Then it made no TDMRs, of which it keeps
 * a list (since 6.8: a pointer, then how many are in use).  A TDX module that
 * does not answer proves nothing: it may have died, or be in the middle of an
 * update, with all of its memory still private.
 */
static bool kernel_never_configured(void)
{
	const struct {
		void *tdmrs;
		int nr;
	} *list = platform_symbol("tdx_tdmr_list");

	return list && !READ_ONCE(list->nr);
}

/* Does TDX answer for an ordinary page of System RAM? */
static int answers_for(u64 pfn, u64 nr, void *arg)
{
	u64 end = pfn + nr;
	u64 probe = max(pfn, FIRST_PFN);
	u64 type;

	return probe < end && !page_type(arg, probe, &type);
}

/**
 * search_metadata - has this TDX module TDH.SYS.DISABLE?
 *
 * Asked again until the module answers: it may be initialised later.
 *
 * Context: process.
 */
void search_metadata(void)
{
	u64 features;

	/* Own mode learns it when it enables TDX. */
	if (platform.own || platform.sys_disable_known ||
	    READ_ONCE(tdx_state) != TDX_INITIALIZED ||
	    seamcall_read_metadata(TDX_MD_FEATURES0, &features))
		return;
	platform.sys_disable = features & TDX_FEATURES0_SYS_DISABLE;
	platform.sys_disable_known = true;
}

static void report(const struct search *search, ktime_t start)
{
	u64 pamt = 0, td = 0, asked = 0, most = 0, unanswered = 0;
	unsigned int i;

	for (i = 0; i < search->nr; i++) {
		const struct searcher *searcher = &search->searchers[i];

		pamt += searcher->pamt_pages;
		td += searcher->td_pages;
		asked += searcher->asked;
		most = max(most, searcher->asked);
		unanswered += searcher->unanswered;
	}
	pr_info("search: %llu private pages (%llu of them PAMT) in %lld ms on %u CPUs, %llu pages asked, at most %llu by one CPU\n",
		pamt + td, pamt, ktime_ms_delta(ktime_get(), start), search->nr,
		asked, most);
	if (unanswered)
		coverage_lose(COVERAGE_SEARCH_FAILED);
}

/* What is private now is in the tracker when this returns. */
static void search_memory(void)
{
	struct search search = { };
	struct searcher first = { };
	ktime_t start = ktime_get();

	if (kernel_never_configured())
		return;
	if (search_walk_ram(answers_for, &first) != 1 || search_create(&search)) {
		wbinvd_on_all_cpus();
		coverage_lose(COVERAGE_SEARCH_FAILED);
		return;
	}
	/* Unless it was disabled since: nothing private is left then. */
	cmpxchg(&tdx_state, TDX_OFF, TDX_INITIALIZED);
	search_metadata();
	search_all(&search);
	wbinvd_on_all_cpus();
	report(&search, start);
	kfree(search.searchers);
}

/**
 * search_private_pages - put into the tracker what is private already
 *
 * The caller watches SEAMCALLs already, so nothing becomes private unseen
 * while this runs, and has set COVERAGE_SEARCH_PENDING, which ends here.  What
 * could not be found costs coverage, not the load.
 *
 * A page that came back during the search, before its turn, is not in the
 * tracker and perhaps not rewritten yet; effects_settled() waits for that.
 *
 * Context: process, sleeps; about a microsecond for each page in use, divided
 * by the CPUs.
 */
void search_private_pages(void)
{
	if (platform_symbol("tdx_pamt_get"))
		coverage_lose(COVERAGE_DYNAMIC_PAMT);
	search_memory();
	if (!effects_settled())
		coverage_lose(COVERAGE_MISSED_RESET);
	coverage_regain(COVERAGE_SEARCH_PENDING);
}
