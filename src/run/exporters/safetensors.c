/* One safetensors file with all arrays, and the model's attributes as metadata. */
#include "base/file.h"
#include "run/exporter.h"
#include <stdlib.h>
#include <string.h>

static size_t bytes_of(const ExportArray *array)
{
  return h5_size(array->kind) * (size_t)(array->dims[0] * (array->rank == 2 ? array->dims[1] : 1));
}

static void add_metadata(Text *head, const ExportModel *model)
{
  const char *const keys[] = {"method", "settings", "tokens"}, *const values[] = {model->method,
                                                                                  model->settings,
                                                                                  model->tokens};
  text_add(head, "{\"__metadata__\":{\"format\":\"ardis\"");
  for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
    text_add(head, ",\"%s\":", keys[i]);
    text_json(head, values[i]);
  }
  text_add(head, ",\"log_multiplier\":\"");
  text_number(head, model->log_multiplier);
  text_add(head, "\"}");
}

/* Wide elements first, so that everything is aligned; then by name. */
static Text head_and_data(const ExportModel *model, Text *data)
{
  const char *const dtype[] = {
      [H5_F32] = "F32", [H5_F64] = "F64", [H5_I32] = "I32", [H5_I64] = "I64"};
  Text head = {0};
  add_metadata(&head, model);
  for (size_t size = 8; size >= 4; size -= 4)
    for (int64_t i = 0; i < model->count; i++) {
      const ExportArray *array = &model->array[i];
      if (h5_size(array->kind) != size) continue;
      text_add(&head, ",");
      text_json(&head, array->name);
      text_add(&head, ":{\"dtype\":\"%s\",\"shape\":[%lld", dtype[array->kind],
               (long long)array->dims[0]);
      if (array->rank == 2) text_add(&head, ",%lld", (long long)array->dims[1]);
      text_add(&head, "],\"data_offsets\":[%zu,%zu]}", data->length,
               data->length + bytes_of(array));
      text_append(data, array->data, bytes_of(array));
    }
  text_add(&head, "}");
  while (head.length % 8) text_add(&head, " ");
  return head;
}

static PetscErrorCode Write(const ExportModel *model, const char *to)
{
  Text data = {0}, file = {0}, head = head_and_data(model, &data);
  unsigned char length[8];

  PetscFunctionBegin;
  for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)head.length >> 8 * i);
  text_append(&file, (const char *)length, sizeof(length));
  text_append(&file, head.s, head.length);
  text_append(&file, data.s ? data.s : "", data.length);
  PetscCall(FileWrite(to, file.s, file.length));
  text_clear(&head);
  text_clear(&data);
  text_clear(&file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const Exporter exporter_safetensors = {
    .entry = {"safetensors", "one file with all arrays", "safetensors format", NULL, 0},
    .target = "a file",
    .write = Write,
};
