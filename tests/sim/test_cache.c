// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What TDX wrote and a cache still holds: what empties the cache, what does
 * not, and what becomes of memory when it comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

#define MAX_MS	1000

static int caches_on(void **state)
{
	cache_configure(&(struct cache_config){ .on = true, .seed = 7, .max_ms = MAX_MS });
	return fresh_module(state);
}

static void scrub(uint64_t page)
{
	memset(mem_ptr(page), 0, 4096);
	for (unsigned int i = 0; i < 4096; i += 64)
		mem_full_line(page + i);
}

/* Give GUEST(9) to the TD and take it back; dirty in the cache of CPU 0. */
static void used_page(void)
{
	bring_up();
	create_td();
	expect(TDX_SUCCESS, TDH_MEM_PAGE_AUG, GPA + 0x3000, TDR, GUEST(9), 0);
	expect(TDX_SUCCESS, TDH_MEM_RANGE_BLOCK, GPA + 0x3000, TDR, 0, 0);
	expect(TDX_SUCCESS, TDH_MEM_TRACK, TDR, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_MEM_PAGE_REMOVE, GPA + 0x3000, TDR, 0, 0);
}

static void test_scrub_before_wbinvd_is_undone(void **state)
{
	(void)state;
	used_page();
	scrub(GUEST(9));
	assert_int_equal(mem_page_owned(GUEST(9)), 0);
	assert_int_equal(cache_pending_lines(GUEST(9)), 64);
	cache_wbinvd(0);
	assert_int_equal(mem_page_owned(GUEST(9)), ~0ULL);
	assert_int_equal(cache_stats().returned_lines, 64);
	scrub(GUEST(9));
	assert_int_equal(cache_pending_lines(GUEST(9)), 0);
}

static void test_wbinvd_is_of_one_cpu(void **state)
{
	(void)state;
	used_page();
	cache_wbinvd(1);
	scrub(GUEST(9));
	assert_int_equal(cache_pending_lines(GUEST(9)), 64);
}

static void test_wbinvd_before_scrub_is_enough(void **state)
{
	(void)state;
	used_page();
	cache_wbinvd(0);
	assert_int_equal(cache_stats().dirty_pages, 0);
	scrub(GUEST(9));
	cache_kernel_jump(0);
	cache_tick(10 * MAX_MS);
	assert_int_equal(mem_page_owned(GUEST(9)), 0);
	assert_int_equal(cache_stats().returned_lines, 0);
}

static void test_page_wbinvd_needs_the_right_keyid(void **state)
{
	(void)state;
	used_page();
	expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_WBINVD, GUEST(9), 0, 0, 0);
	expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_WBINVD,
	       GUEST(9) | (uint64_t)(HKID + 1) << SIM_PHYS_BITS, 0, 0, 0);
	scrub(GUEST(9));
	assert_int_equal(cache_pending_lines(GUEST(9)), 64);
	expect(TDX_SUCCESS, TDH_PHYMEM_PAGE_WBINVD,
	       GUEST(9) | (uint64_t)HKID << SIM_PHYS_BITS, 0, 0, 0);
	scrub(GUEST(9));
	assert_int_equal(cache_pending_lines(GUEST(9)), 0);
}

static void test_cache_wb_empties_all(void **state)
{
	(void)state;
	used_page();
	expect(TDX_SUCCESS, TDH_VP_FLUSH, TDVPR, 0, 0, 0);
	expect(TDX_SUCCESS, TDH_MNG_VPFLUSHDONE, TDR, 0, 0, 0);
	assert_int_not_equal(cache_stats().dirty_pages, 0);
	expect(TDX_SUCCESS, TDH_PHYMEM_CACHE_WB, 0, 0, 0, 0);
	assert_int_equal(cache_stats().dirty_pages, 0);
}

static void test_sys_disable_leaves_nothing(void **state)
{
	(void)state;
	used_page();
	tdx.cfg.sys_disable = SYS_DISABLE_ROUNDS;
	expect(TDX_SUCCESS, TDH_SYS_DISABLE, 0, 0, 0, 0);
	assert_int_equal(cache_stats().dirty_pages, 0);
	scrub(GUEST(9));		/* given back before: not the module's to clear */
	assert_int_equal(mem_count(0, mem_end()).owned_lines, 0);
}

/* The latest is max_ms after the jump; then nothing waits any more. */
static void test_comes_back_by_itself(void **state)
{
	uint64_t stays;

	(void)state;
	used_page();
	cache_tick(2 * MAX_MS);
	stays = cache_stats().dirty_pages;
	assert_int_not_equal(stays, 0);			/* about half never leave on their own */
	cache_tick(1000 * MAX_MS);
	assert_int_equal(cache_stats().dirty_pages, stays);

	for (uint64_t pa = RAM_START; pa < mem_end(); pa += 4096)
		if (mem_page_owned(pa))
			scrub(pa);
	assert_int_equal(mem_count(0, mem_end()).owned_lines, 0);
	assert_int_equal(cache_stats().pending_lines, stays * 64);
	cache_kernel_jump(5000);
	cache_tick(5000 + MAX_MS);
	assert_int_equal(cache_stats().dirty_pages, 0);
	assert_int_equal(mem_count(0, mem_end()).owned_lines, stays * 64);
}

static void test_off_keeps_nothing(void **state)
{
	(void)state;
	cache_configure(&(struct cache_config){ 0 });
	used_page();
	assert_int_equal(cache_stats().dirty_pages, 0);
	scrub(GUEST(9));
	cache_wbinvd(0);
	assert_int_equal(mem_page_owned(GUEST(9)), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, caches_on)
	const struct CMUnitTest tests[] = {
		TEST(test_scrub_before_wbinvd_is_undone),
		TEST(test_wbinvd_is_of_one_cpu),
		TEST(test_wbinvd_before_scrub_is_enough),
		TEST(test_page_wbinvd_needs_the_right_keyid),
		TEST(test_cache_wb_empties_all),
		TEST(test_sys_disable_leaves_nothing),
		TEST(test_comes_back_by_itself),
		TEST(test_off_keeps_nothing),
	};

	return cmocka_run_group_tests_name("sim-cache", tests, NULL, NULL);
}
