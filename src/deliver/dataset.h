// SPDX-License-Identifier: Apache-2.0
// Reading a dataset folder, ours or another's. In: a folder. Out: its images one after the other,
// each with its record. One thread. Takes no lock and changes nothing, so that it also reads what
// is being written or is read-only. Without a metadata.jsonl: the folder's images, by name, without
// records.
#ifndef IFL_DELIVER_DATASET_H
#define IFL_DELIVER_DATASET_H

#include <jansson.h>

#include "inferloop/deliver.h"

struct ifl_dataset;
enum ifl_result ifl_dataset_open(const char *folder, struct ifl_dataset **dataset,
                                 struct ifl_error *error) IFL_CHECK_RESULT;
// The next image: `name` (IFL_PATH_MAX bytes) as the record has it, `path` (IFL_PATH_MAX bytes) to
// open it by, *record borrowed until the next call (NULL where there are no records). IFL_END: no
// more. IFL_ERR_CORRUPT: one line is damaged; the next call goes on behind it.
enum ifl_result ifl_dataset_next(struct ifl_dataset *dataset, char *name, char *path,
                                 json_t **record, struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_dataset_close(struct ifl_dataset *dataset); // takes NULL

#endif
