// SPDX-License-Identifier: Apache-2.0
// Live pictures.
#include "http/handlers.h"

#include <stdlib.h>

#include "http/jpeg.h"
#include "http/query.h"
#include "http/streams.h"

static enum MHD_Result reply_stream(struct ifl_exchange *exchange, enum ifl_stream_kind kind,
                                    const char *source)
{
    struct MHD_Response *response = NULL;
    struct ifl_error error;
    enum ifl_result result = ifl_streams_open(exchange->services->streams, kind, source,
                                              exchange->connection, &response, &error);
    if (result == IFL_ERR_BUSY) // 503, not 429: it is not this client's doing
        return ifl_reply_fail(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, result, NULL, "%s",
                              error.text);
    if (result != IFL_OK)
        return ifl_reply_error(exchange, &error, NULL);
    return ifl_reply(exchange, MHD_HTTP_OK, response);
}

static enum MHD_Result reply_head(struct ifl_exchange *exchange)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
    if (response)
        MHD_add_response_header(response, "Content-Type", "multipart/x-mixed-replace");
    return ifl_reply(exchange, MHD_HTTP_OK, response);
}

enum MHD_Result ifl_handle_source_stream(struct ifl_exchange *exchange)
{
    char source[IFL_SOURCE_NAME_MAX];
    enum MHD_Result answer;
    if (!ifl_find_source(exchange, ifl_query_text(exchange, "source"), source, &answer))
        return answer;
    return exchange->head ? reply_head(exchange)
                          : reply_stream(exchange, IFL_STREAM_SOURCE, source);
}

enum MHD_Result ifl_handle_synthetic_stream(struct ifl_exchange *exchange)
{
    char source[IFL_SOURCE_NAME_MAX] = "";
    const char *wanted = ifl_query_text(exchange, "source");
    enum MHD_Result answer;
    if (wanted && !ifl_find_source(exchange, wanted, source, &answer))
        return answer;
    return exchange->head ? reply_head(exchange)
                          : reply_stream(exchange, IFL_STREAM_SYNTHETIC, source);
}

static enum MHD_Result reply_frame(struct ifl_exchange *exchange, const struct ifl_frame *frame)
{
    struct ifl_buffer jpeg = {0};
    struct ifl_error error = {.result = IFL_ERR_NO_MEMORY};
    struct ifl_frame_encoder *encoder = ifl_frame_encoder_create();
    enum ifl_result result = encoder ? ifl_frame_encode(encoder, frame, IFL_STREAM_WIDTH_MAX,
                                                        IFL_STREAM_QUALITY, &jpeg, &error)
                                     : IFL_ERR_NO_MEMORY;
    ifl_frame_encoder_destroy(encoder);
    if (result == IFL_OK)
        return ifl_reply_bytes(exchange, MHD_HTTP_OK, "image/jpeg", jpeg.bytes, jpeg.count);
    free(jpeg.bytes);
    return ifl_reply_error(exchange, &error, NULL);
}

enum MHD_Result ifl_handle_source_picture(struct ifl_exchange *exchange)
{
    char source[IFL_SOURCE_NAME_MAX];
    enum MHD_Result answer;
    if (!ifl_find_source(exchange, ifl_query_text(exchange, "source"), source, &answer))
        return answer;
    uint64_t serial = 0;
    struct ifl_frame *frame = ifl_pipeline_frame(exchange->services->pipeline, source, &serial, 0);
    if (!frame)
        return ifl_reply_fail(exchange, 0, IFL_ERR_NOT_READY, NULL,
                              "no frame of \"%.64s\" has come yet", source);
    answer = reply_frame(exchange, frame);
    ifl_frame_unref(frame);
    return answer;
}
