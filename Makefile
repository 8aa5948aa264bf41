# SPDX-License-Identifier: Apache-2.0
# A thin face of meson: `make` builds build/inferloop; `make demo` and `make test` are the two commands
# a newcomer needs; README.md says the rest.
BUILD ?= build
SOURCE ?= .cache/vtest.avi
CLIP = .cache/vtest.avi
FUZZ_SECONDS ?= 30
SHAKES ?= 3
# What `make bench` judges: of vtest, pattern, long, cup, box. vtest alone takes three minutes.
CLIPS ?= vtest
MESON = meson setup --wrap-mode=nodownload
SANITIZE = -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=2

.PHONY: all demo test test-slow test-all asan tsan shake fuzz bench install format lint docs sheets clean FORCE
all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja:
	@tools/install build
	@$(MESON) $(BUILD) > /dev/null

$(CLIP):
	@tools/fetch-clip

demo: all $(if $(filter $(CLIP),$(SOURCE)),$(CLIP))
	@$(BUILD)/inferloop run --source "$(SOURCE)" --loop --profile-interval 5 --generate-interval 1 \
	    --output data/demo $(ARGS)

test:
	@tools/install build test
	@tools/fetch-clip
	@/usr/bin/python3 tests/run.py

test-slow test-all:
	@tools/install build test slow
	@tools/fetch-clip
	@tools/fetch-kernel
	@/usr/bin/python3 tests/run.py --parts $(if $(filter test-all,$@),quick slow,slow)

asan:
	@tools/install build test
	@test -f $(BUILD)-asan/build.ninja || $(MESON) $(BUILD)-asan $(SANITIZE) > /dev/null
	@/usr/bin/python3 tests/run.py --only unit --label asan --build $(BUILD)-asan

tsan:
	@tools/install build test
	@test -f $(BUILD)-tsan/build.ninja || CC=clang-14 $(MESON) $(BUILD)-tsan -Db_sanitize=thread -Db_lundef=false \
	    -Dc_args=-fsanitize-ignorelist=$(CURDIR)/tests/faults/tsan-ignore.txt > /dev/null
	@/usr/bin/python3 tests/run.py --only unit --label tsan --build $(BUILD)-tsan

# The unit tests SHAKES times while threads, locks and sockets are held up at random: what races, fails here.
shake: all
	@tools/install build test
	@/usr/bin/python3 tests/run.py --shake $(SHAKES)

# Each fuzz target with libFuzzer, FUZZ_SECONDS long; their corpora are replayed by `make test`.
fuzz:
	@tools/install build test
	@test -f $(BUILD)-fuzz/build.ninja || CC=clang-14 $(MESON) $(BUILD)-fuzz $(SANITIZE) -Dfuzz=true > /dev/null
	@ninja -C $(BUILD)-fuzz --quiet fuzz-targets
	@/usr/bin/python3 fuzz/run.py --build $(BUILD)-fuzz --seconds $(FUZZ_SECONDS) $(TARGETS)

bench: all
	@tools/install bench
	@tools/fetch-clip
	@/usr/bin/python3 bench/run.py --build $(BUILD) --clips $(CLIPS)

install: all
	@meson install -C $(BUILD) --no-rebuild

# The pages that the program's own tables make; a test fails when they drift.
docs: all
	@for page in options metrics errors features prompts; do \
	    $(BUILD)/inferloop docs $$page > docs/$$page.md; done
	@$(BUILD)/inferloop docs man > docs/inferloop.1

sheets: all
	@tools/install build bench
	@tools/fetch-clip
	@/usr/bin/python3 bench/sheets.py --build $(BUILD)

format:
	@clang-format-14 -i $$(git ls-files '*.c' '*.h')

lint:
	@tools/install build test
	@clang-format-14 --dry-run --Werror $$(git ls-files '*.c' '*.h')
	@tools/check-layers
	@test -f $(BUILD)-clang/build.ninja || CC=clang-14 $(MESON) $(BUILD)-clang --werror > /dev/null
	@ninja -C $(BUILD)-clang --quiet

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-clang $(BUILD)-fuzz
