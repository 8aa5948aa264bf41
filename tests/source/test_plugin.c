// SPDX-License-Identifier: Apache-2.0
// The template of a source plug-in, loaded as a user's would be.
#include "support.h"

#include <dlfcn.h>

#include "source/builtin.h"

static void *library;
static const struct ifl_plugin *const *plugins;

static int set_up(void **state)
{
    (void)state;
    library = dlopen(IFL_EXAMPLE_SOURCE, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        print_error("%s\n", dlerror());
        return 1;
    }
    plugins = dlsym(library, "inferloop_plugins");
    return !plugins;
}

static int tear_down(void **state)
{
    (void)state;
    return dlclose(library);
}

static void describes_itself(void **state)
{
    (void)state;
    assert_non_null(plugins[0]);
    assert_null(plugins[1]);
    assert_int_equal(plugins[0]->abi_version, IFL_PLUGIN_ABI);
    assert_int_equal(plugins[0]->struct_size, sizeof(struct ifl_source_plugin));
    assert_ptr_equal(ifl_source_find(plugins, "example:"), plugins[0]);
    assert_null(ifl_source_find(plugins, "clip.avi"));
}

static void delivers_and_ends(void **state)
{
    (void)state;
    const struct ifl_source_plugin *plugin = ifl_source_find(plugins, "example:64x48");
    struct ifl_source_config config = {.name = "e", .uri = "example:64x48"};
    struct ifl_source_info info;
    struct ifl_error error;
    check_ok(ifl_source_probe(plugin, &config, &info, &error), error);
    assert_int_equal(info.width, 64);
    assert_int_equal(info.height, 48);
    void *self;
    check_ok(plugin->open(&config, &self, &error), error);
    struct ifl_frame *frame;
    uint64_t count = 0;
    enum ifl_result result;
    while ((result = plugin->read(self, &frame, &error)) == IFL_OK) {
        assert_int_equal(frame->sequence, count);
        assert_int_equal(frame->plane[0][47 * frame->stride[0] + (int)(count % 64)], 230);
        ifl_frame_unref(frame);
        count++;
    }
    assert_int_equal(result, IFL_END);
    assert_int_equal(count, info.frames);
    plugin->close(self);
}

static void refuses_bad_sizes(void **state)
{
    (void)state;
    const struct ifl_source_plugin *plugin = ifl_source_find(plugins, "example:");
    static const char *const bad[] = {"example:0x0", "example:99999x10", "example:x",
                                      "example:-5x40"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ifl_source_config config = {.name = "e", .uri = bad[i]};
        struct ifl_error error;
        void *self;
        assert_int_equal(plugin->open(&config, &self, &error), IFL_ERR_INVALID);
        assert_true(strlen(error.text) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(describes_itself),
        cmocka_unit_test(delivers_and_ends),
        cmocka_unit_test(refuses_bad_sizes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
