// SPDX-License-Identifier: Apache-2.0
// What every unit test needs: cmocka, and a few checks that say more when they fail.
#ifndef IFL_TESTS_SUPPORT_H
#define IFL_TESTS_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "inferloop/error.h"

// Fails with the error's text unless the call returned IFL_OK. `error` is a struct ifl_error.
#define check_ok(call, error)                                                                      \
    do {                                                                                           \
        enum ifl_result check_result = (call);                                                     \
        if (check_result != IFL_OK)                                                                \
            fail_msg("%s: %s: %s", #call, ifl_result_name(check_result), (error).text);            \
    } while (0)

// Fails unless |value - wanted| <= tolerance; NaN fails.
#define check_near(value, wanted, tolerance)                                                       \
    do {                                                                                           \
        double check_value = (value), check_wanted = (wanted);                                     \
        if (!(fabs(check_value - check_wanted) <= (tolerance)))                                    \
            fail_msg("%s is %.9g, wanted %.9g within %.3g", #value, check_value, check_wanted,     \
                     (double)(tolerance));                                                         \
    } while (0)

#endif
