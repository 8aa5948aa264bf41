// SPDX-License-Identifier: Apache-2.0
// The mark of synthetic media that every delivered image carries: an XMP packet with the IPTC
// digital source type. In: a description. Out: the packet, the same for all formats. Any thread.
#ifndef IFL_DELIVER_MARK_H
#define IFL_DELIVER_MARK_H

#include <stddef.h>

// Of IPTC's vocabulary, compositeSynthetic ("mix or composite of several elements, at least one of
// which is synthetic") is what these images are: elements out of captured pictures, arranged,
// blended and lit anew by an algorithm, so that the scene never was. The others would be untrue:
// algorithmicMedia rules out any sampled data, trainedAlgorithmicMedia claims a trained model,
// compositeCapture and computationalCapture claim a capture of real life, which a reader may take
// for evidence.
#define IFL_MARK_SOURCE_TYPE "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
#define IFL_MARK_SENTENCE    "Synthetic image made by inferloop; it shows no real moment."

enum { IFL_MARK_DESCRIPTION_MAX = 512, IFL_MARK_XMP_MAX = 4096 };

struct ifl_mark {
    char
        description[IFL_MARK_DESCRIPTION_MAX]; // UTF-8 in one line; the sentence, then the caller's
    char ascii[IFL_MARK_DESCRIPTION_MAX];      // the same for PNG's tEXt, '?' for other characters
    char xmp[IFL_MARK_XMP_MAX];
    size_t xmp_count; // without the final 0
};

// `description` may be NULL and may hold any bytes.
void ifl_mark_init(struct ifl_mark *mark, const char *description);

#endif
