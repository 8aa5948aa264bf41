// SPDX-License-Identifier: Apache-2.0
// The dataset's card, README.md, as its readers expect it. In: an open dataset folder. Out: the
// file, unless there is one already. Under the folder's lock.
#ifndef IFL_DELIVER_DATASET_CARD_H
#define IFL_DELIVER_DATASET_CARD_H

#include "deliver/dataset_folder.h"

// An image is not worse for a missing card: failures are passed over, and tried again with the next
// image.
void ifl_dataset_card_add(const struct ifl_dataset_folder *folder);

#endif
