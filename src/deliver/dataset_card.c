// SPDX-License-Identifier: Apache-2.0
#include "deliver/dataset_card.h"

#include <fcntl.h>
#include <unistd.h>

#include "deliver/mark.h"

// Says only what holds for every image; source and licence differ from record to record.
static const char card[] =
    "---\n"
    "tags:\n"
    "- synthetic\n"
    "---\n"
    "# Synthetic images\n"
    "\n"
    "Made by inferloop from statistics and pictures of an image stream. **No image here shows a\n"
    "real moment**: an algorithm put each one together out of captured pictures. Each image file\n"
    "says so itself, as IPTC digital source type\n"
    "<" IFL_MARK_SOURCE_TYPE ">.\n"
    "\n"
    "What an image may still show of real people depends on its privacy mode (column `privacy`):\n"
    "`verbatim` images contain real content, people included.\n"
    "\n"
    "Load it with `datasets.load_dataset(\"imagefolder\", data_dir=\"this folder\")`.\n"
    "\n"
    "| Column | Meaning |\n"
    "|---|---|\n"
    "| `file_name` | the image; its name sorts by time of delivery |\n"
    "| `seed`, `engine`, `profile_id`, `parameters` | how it was made; `seed` is text, as it has "
    "64 bits |\n"
    "| `attained`, `adapted` | what became of what was asked; the adaptation rules that asked it "
    "(else empty) |\n"
    "| `privacy`, `k`, `audit` | the promised privacy mode, and what was measured |\n"
    "| `source`, `licence` | the stream, and the licence of its pictures where known (else empty) "
    "|\n"
    "| `scores`, `likeness`, `rejection` | quality of the image and of the set it belongs to |\n"
    "| `time`, `attempt`, `generate_seconds`, `validate_seconds` | when (UTC), at which attempt, "
    "how long |\n"
    "\n"
    "A number of -1 means: not known, or not asked for.\n";

void ifl_dataset_card_add(const struct ifl_dataset_folder *folder)
{
    if (faccessat(folder->folder_fd, IFL_DATASET_CARD, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        ifl_dataset_write_new(folder, IFL_DATASET_CARD, card, sizeof card - 1);
}
