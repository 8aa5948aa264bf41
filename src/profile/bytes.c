// SPDX-License-Identifier: Apache-2.0
#include "profile/bytes.h"

#include <stdlib.h>
#include <string.h>

uint8_t *ifl_write_space(struct ifl_writer *writer, size_t count)
{
    if (writer->failed)
        return NULL;
    if (writer->room - writer->count < count) {
        size_t room = writer->room + count + writer->room / 2 + 4096;
        uint8_t *bytes = realloc(writer->bytes, room);
        if (!bytes) {
            writer->failed = 1;
            return NULL;
        }
        writer->bytes = bytes;
        writer->room = room;
    }
    writer->count += count;
    return writer->bytes + writer->count - count;
}

void ifl_write_bytes(struct ifl_writer *writer, const void *bytes, size_t count)
{
    uint8_t *to = ifl_write_space(writer, count);
    if (to && count)
        memcpy(to, bytes, count);
}

void ifl_write_u32(struct ifl_writer *writer, uint32_t value)
{
    uint8_t *to = ifl_write_space(writer, 4);
    if (to)
        ifl_put_u32(to, value);
}

void ifl_write_u64(struct ifl_writer *writer, uint64_t value)
{
    uint8_t *to = ifl_write_space(writer, 8);
    if (to)
        ifl_put_u64(to, value);
}

void ifl_write_f32(struct ifl_writer *writer, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    ifl_write_u32(writer, bits);
}

const uint8_t *ifl_read_bytes(struct ifl_reader *reader, size_t count)
{
    if (reader->failed || count > reader->count) {
        reader->failed = 1;
        return NULL;
    }
    const uint8_t *at = reader->bytes;
    reader->bytes += count;
    reader->count -= count;
    return at;
}

uint32_t ifl_read_u32(struct ifl_reader *reader)
{
    const uint8_t *at = ifl_read_bytes(reader, 4);
    return at ? ifl_get_u32(at) : 0;
}

uint64_t ifl_read_u64(struct ifl_reader *reader)
{
    const uint8_t *at = ifl_read_bytes(reader, 8);
    return at ? ifl_get_u64(at) : 0;
}

float ifl_read_f32(struct ifl_reader *reader)
{
    uint32_t bits = ifl_read_u32(reader);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void ifl_put_u32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

void ifl_put_u64(uint8_t *bytes, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

uint32_t ifl_get_u32(const uint8_t *bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value |= (uint32_t)bytes[i] << (8 * i);
    return value;
}

uint64_t ifl_get_u64(const uint8_t *bytes)
{
    return ifl_get_u32(bytes) | (uint64_t)ifl_get_u32(bytes + 4) << 32;
}
