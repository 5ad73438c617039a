/* PETSc's error stack, and companions of PetscCall for what PETSc does not wrap. */
#pragma once
#include <petscsys.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#if PETSC_VERSION_LT(3, 19, 0)
#define PETSC_SUCCESS 0
#endif
#if defined(PETSC_USE_COMPLEX)
#error "Ardis needs a PETSc of real numbers"
#endif

/* A system or libyaml call that must not fail here: condition true or a bug with traceback. */
#define CheckThat(condition, ...) PetscCheck(condition, PETSC_COMM_SELF, PETSC_ERR_LIB, __VA_ARGS__)
