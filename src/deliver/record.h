// SPDX-License-Identifier: Apache-2.0
// The record of an image: what inferloop/deliver.h promises, and the bound that the dataset needs.
// In: a made image. Out: one line of JSON. Any thread.
#ifndef IFL_DELIVER_RECORD_H
#define IFL_DELIVER_RECORD_H

#include "inferloop/deliver.h"

#define IFL_RECORD_SCHEMA        "inferloop.image/1"
#define IFL_RECORD_SCHEMA_FAMILY "inferloop.image/"

// A line and its newline fit a page (see dataset_folder.h), whatever the texts in the record hold:
// all fields but the prompt take less than 3500 bytes at their longest.
enum { IFL_RECORD_MAX = 4095 };

#endif
