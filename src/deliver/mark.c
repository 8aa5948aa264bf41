// SPDX-License-Identifier: Apache-2.0
#include "deliver/mark.h"

#include <stdio.h>
#include <string.h>

#include "deliver/text.h"

// An escape is at most 6 bytes for one, so that the packet always fits.
static void escape_xml(const char *in, char out[6 * IFL_MARK_DESCRIPTION_MAX])
{
    for (; *in; in++) {
        const char *entity = *in == '&'   ? "&amp;"
                             : *in == '<' ? "&lt;"
                             : *in == '>' ? "&gt;"
                             : *in == '"' ? "&quot;"
                                          : NULL;
        if (entity)
            out = stpcpy(out, entity);
        else
            *out++ = *in;
    }
    *out = 0;
}

static const char packet[] =
    "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
    " <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
    "  <rdf:Description rdf:about=\"\"\n"
    "    xmlns:dc=\"http://purl.org/dc/elements/1.1/\"\n"
    "    xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\"\n"
    "    xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\"\n"
    "    xmp:CreatorTool=\"inferloop\"\n"
    "    Iptc4xmpExt:DigitalSourceType=\"" IFL_MARK_SOURCE_TYPE "\">\n"
    "   <dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">%s</rdf:li></rdf:Alt>"
    "</dc:description>\n"
    "  </rdf:Description>\n"
    " </rdf:RDF>\n"
    "</x:xmpmeta>\n"
    "<?xpacket end=\"r\"?>";

_Static_assert(sizeof packet + 6 * IFL_MARK_DESCRIPTION_MAX <= IFL_MARK_XMP_MAX,
               "the packet holds the longest description");

void ifl_mark_init(struct ifl_mark *mark, const char *description)
{
    char *text = mark->description;
    size_t used = (size_t)snprintf(text, sizeof mark->description, "%s", IFL_MARK_SENTENCE);
    if (description && description[0]) {
        text[used++] = ' ';
        ifl_text_clean(description, IFL_MARK_DESCRIPTION_MAX, text + used,
                       sizeof mark->description - used);
    }
    size_t i = 0;
    for (; text[i]; i++)
        mark->ascii[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    mark->ascii[i] = 0;
    char escaped[6 * IFL_MARK_DESCRIPTION_MAX];
    escape_xml(text, escaped);
    mark->xmp_count = (size_t)snprintf(mark->xmp, sizeof mark->xmp, packet, escaped);
}
