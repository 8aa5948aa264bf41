// SPDX-License-Identifier: Apache-2.0
// The YAML file: one mapping from option names to scalars or lists of scalars.
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/file.h"
#include "core/options.h"

// libyaml's time grows with the square of what is nested: a megabyte of '[' takes minutes.
enum { FILE_LIMIT_BYTES = 1 << 16, BRACKETS_MAX = 1024 };

struct reader {
    struct ifl_config *config;
    const char *path;
    const yaml_document_t *document;
    struct ifl_error *error;
};

static enum ifl_result refuse(struct reader *reader, const yaml_node_t *node, const char *what)
{
    return ifl_fail(reader->error, IFL_ERR_INVALID, "config", "%s line %zu: %s", reader->path,
                    node->start_mark.line + 1, what);
}

static enum ifl_result set_scalar(struct reader *reader, int option, yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE)
        return refuse(reader, node, "an option's value is a scalar or a list of scalars");
    struct ifl_error inner = {0};
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length)
        return refuse(reader, node, "a value holds a zero byte");
    enum ifl_result result = ifl_option_set(reader->config, option, text, IFL_FROM_FILE, &inner);
    return result == IFL_OK ? IFL_OK : refuse(reader, node, inner.text);
}

static enum ifl_result set_pair(struct reader *reader, yaml_node_pair_t *pair)
{
    yaml_document_t *document = (yaml_document_t *)reader->document; // only looked at
    yaml_node_t *key = yaml_document_get_node(document, pair->key);
    yaml_node_t *value = yaml_document_get_node(document, pair->value);
    if (key->type != YAML_SCALAR_NODE)
        return refuse(reader, key, "a key must be the name of an option");
    int option = ifl_option_find((const char *)key->data.scalar.value, key->data.scalar.length);
    if (option < 0)
        return refuse(reader, key, "no such option; docs/options.md lists them");
    if (value->type != YAML_SEQUENCE_NODE)
        return set_scalar(reader, option, value);
    if (ifl_option_row(option)->type != IFL_OPTION_LIST)
        return refuse(reader, value, "this option takes one value, not a list");
    enum ifl_result result = IFL_OK;
    for (yaml_node_item_t *item = value->data.sequence.items.start;
         item < value->data.sequence.items.top && result == IFL_OK; item++)
        result = set_scalar(reader, option, yaml_document_get_node(document, *item));
    return result;
}

static enum ifl_result set_all(struct reader *reader, yaml_document_t *document)
{
    yaml_node_t *root = yaml_document_get_root_node(document);
    if (!root)
        return IFL_OK; // an empty file says nothing
    reader->document = document;
    if (root->type != YAML_MAPPING_NODE)
        return refuse(reader, root, "the file must be a mapping: option: value");
    enum ifl_result result = IFL_OK;
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top && result == IFL_OK; pair++)
        result = set_pair(reader, pair);
    return result;
}

static int count_brackets(const uint8_t *bytes, size_t count)
{
    int brackets = 0;
    for (size_t i = 0; i < count; i++)
        brackets += bytes[i] == '[' || bytes[i] == '{';
    return brackets;
}

enum ifl_result ifl_config_read_text(struct ifl_config *config, const char *path,
                                     const uint8_t *bytes, size_t count, struct ifl_error *error)
{
    enum ifl_result result;
    yaml_parser_t parser;
    yaml_document_t document;
    if (count > FILE_LIMIT_BYTES || count_brackets(bytes, count) > BRACKETS_MAX)
        return ifl_fail(
            error, IFL_ERR_TOO_LARGE, "config",
            "%s has more than %d bytes or %d brackets; lines of option: value are enough", path,
            FILE_LIMIT_BYTES, BRACKETS_MAX);
    if (!yaml_parser_initialize(&parser))
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "config", "no memory to read %s", path);
    yaml_parser_set_input_string(&parser, bytes, count);
    struct reader reader = {.config = config, .path = path, .error = error};
    if (yaml_parser_load(&parser, &document)) {
        result = set_all(&reader, &document);
        yaml_document_delete(&document);
    } else {
        result = ifl_fail(error, IFL_ERR_INVALID, "config", "%s line %zu: %s", path,
                          parser.problem_mark.line + 1,
                          parser.problem ? parser.problem : "this is not YAML");
    }
    yaml_parser_delete(&parser);
    return result;
}

enum ifl_result ifl_config_read_file(struct ifl_config *config, const char *path,
                                     struct ifl_error *error)
{
    uint8_t *bytes;
    size_t count;
    enum ifl_result result = ifl_read_file(path, FILE_LIMIT_BYTES, &bytes, &count, error);
    if (result != IFL_OK)
        return result;
    result = ifl_config_read_text(config, path, bytes, count, error);
    free(bytes);
    return result;
}
