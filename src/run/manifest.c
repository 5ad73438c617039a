/* manifest.json: everything about a run that is not a function of its settings and tokens. */
#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "run/train.h"
#include "run/version.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_text(Text *json, const char *key, const char *value)
{
  text_add(json, "%s  ", json->length > 2 ? ",\n" : "");
  text_json(json, key);
  text_add(json, ": ");
  text_json(json, value ? value : "");
}

static void add_number(Text *json, const char *key, double value)
{
  text_add(json, "%s  ", json->length > 2 ? ",\n" : "");
  text_json(json, key);
  text_add(json, ": ");
  text_number(json, value);
}

static void add_cpu(Text *json)
{
  char line[512], model[256] = "unknown";
  FILE *f = fopen("/proc/cpuinfo", "r");
  while (f && fgets(line, sizeof(line), f))
    if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
      snprintf(model, sizeof(model), "%s", strchr(line, ':') + 2);
      model[strcspn(model, "\n")] = 0;
      break;
    }
  if (f) fclose(f);
  add_text(json, "cpu", model);
}

static void add_slurm(Text *json)
{
  const char *const names[] = {"SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID",
                               "SLURM_RESTART_COUNT", "SLURM_JOB_NODELIST"};
  const char *const keys[] = {"slurm_job", "slurm_array_job", "slurm_array_task", "slurm_restarts",
                              "slurm_nodes"};
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
    if (getenv(names[i])) add_text(json, keys[i], getenv(names[i]));
}

static PetscErrorCode AddFile(Text *json, const char *key, const char *path)
{
  char hex[DIGEST_LENGTH];
  bool found;

  PetscFunctionBegin;
  PetscCall(DigestFile(path, hex, &found));
  if (found) add_text(json, key, hex);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ManifestWrite(const Task *task, const Training *training, const Outcome *outcome,
                             const StepReport *last, const char *started, int64_t resumed_at)
{
  Text json = {0};
  char ended[21], host[256] = "", library[MPI_MAX_LIBRARY_VERSION_STRING], petsc[64], hdf5[32];
  char *path = path_join(training->folder, "manifest.json"),
       *initial = path_join(training->folder, "initial.h5");
  int size, length;

  PetscFunctionBegin;
  clock_utc(ended);
  gethostname(host, sizeof(host) - 1);
  PetscCallMPI(MPI_Comm_size(task->comm, &size));
  PetscCallMPI(MPI_Get_library_version(library, &length));
  library[strcspn(library, "\n")] = 0;
  snprintf(petsc, sizeof(petsc), "%d.%d.%d", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR,
           PETSC_VERSION_SUBMINOR);
  h5_version(hdf5);
  text_add(&json, "{\n");
  add_number(&json, "schema", 1);
  add_text(&json, "run", training->id);
  add_text(&json, "label", training->label);
  add_text(&json, "status", run_status_words[outcome->status]);
  add_text(&json, "reason", outcome->reason);
  add_text(&json, "version", ardis_version);
  add_text(&json, "commit", ardis_commit);
  add_text(&json, "compiler", ardis_compiler);
  add_text(&json, "flags", ardis_flags);
  add_text(&json, "petsc", petsc);
  add_text(&json, "mpi", library);
  add_text(&json, "hdf5", hdf5);
  add_text(&json, "kernels", task->view.kernels->entry.name);
  add_text(&json, "route", last->route ? last->route : "none");
  add_text(&json, "memory", last->memory ? last->memory : "");
  if (last->encoder) add_text(&json, "encoder", last->encoder);
  add_number(&json, "ranks", size);
  add_number(&json, "pack", (double)training->pack);
  add_text(&json, "host", host);
  add_cpu(&json);
  add_slurm(&json);
  add_text(&json, "started", started);
  add_text(&json, "ended", ended);
  add_text(&json, "resumed", resumed_at ? "from checkpoint.h5" : "no");
  add_number(&json, "peak_memory_bytes", peak_memory_bytes());
  add_text(&json, "spec", training->spec_digest);
  add_text(&json, "tokens", tokens_digest(task->view.tokens));
  add_text(&json, "anchors", task->anchors ? task->anchors->digest : "");
  PetscCall(AddFile(&json, "model_h5", training->model_path));
  PetscCall(AddFile(&json, "initial_h5", initial));
  text_add(&json, "\n}\n");
  PetscCall(FileWrite(path, json.s, json.length));
  text_clear(&json);
  free(path);
  free(initial);
  PetscFunctionReturn(PETSC_SUCCESS);
}
