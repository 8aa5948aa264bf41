// SPDX-License-Identifier: Apache-2.0
// Little-endian numbers in a growing or a bounded run of bytes. A writer that ran out of memory,
// and a reader that ran out of bytes, say `failed` and do nothing more; what is read then is 0.
#ifndef IFL_PROFILE_BYTES_H
#define IFL_PROFILE_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct ifl_writer {
    uint8_t *bytes; // free() it
    size_t count, room;
    int failed;
};

uint8_t *ifl_write_space(struct ifl_writer *writer, size_t count); // uninitialised, or NULL
void ifl_write_bytes(struct ifl_writer *writer, const void *bytes, size_t count);
void ifl_write_u32(struct ifl_writer *writer, uint32_t value);
void ifl_write_u64(struct ifl_writer *writer, uint64_t value);
void ifl_write_f32(struct ifl_writer *writer, float value);

struct ifl_reader {
    const uint8_t *bytes;
    size_t count; // left
    int failed;
};

const uint8_t *ifl_read_bytes(struct ifl_reader *reader, size_t count); // or NULL
uint32_t ifl_read_u32(struct ifl_reader *reader);
uint64_t ifl_read_u64(struct ifl_reader *reader);
float ifl_read_f32(struct ifl_reader *reader);

void ifl_put_u32(uint8_t *bytes, uint32_t value);
void ifl_put_u64(uint8_t *bytes, uint64_t value);
uint32_t ifl_get_u32(const uint8_t *bytes);
uint64_t ifl_get_u64(const uint8_t *bytes);

#endif
