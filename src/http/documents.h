// SPDX-License-Identifier: Apache-2.0
// The JSON documents that answers and events share. Each is new and the caller's; NULL: out of
// memory. Any thread.
#ifndef IFL_HTTP_DOCUMENTS_H
#define IFL_HTTP_DOCUMENTS_H

#include <jansson.h>

#include "inferloop/pipeline.h"

enum { IFL_SOURCES_SHOWN_MAX = 64 };

json_t *ifl_status_json(struct ifl_pipeline *pipeline);  // as GET /api/v1/status
json_t *ifl_sources_json(struct ifl_pipeline *pipeline); // the list in GET /api/v1/sources
json_t *ifl_image_json(const struct ifl_delivered *image);
json_t *ifl_incident_json(const struct ifl_incident *incident);
json_t *ifl_history_point_json(const struct ifl_history_point *point);

#endif
