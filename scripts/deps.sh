#!/bin/sh
# deps.sh [build] [test] [check] [slurm]   makes sure that what is needed is there; `build` is always included.
#
# Where there is apt-get, missing Debian packages are installed (with sudo when not root) and one line says
# which; nothing is said when nothing is missing. A library that pkg-config, PETSC_DIR, HDF5_DIR, HDF5_ROOT or
# YAML_DIR already give is left alone. Elsewhere it says which library is missing and how to get it.
# Exit code: 0 all is there, 1 something is missing.
set -u
PATH=$PATH:/usr/sbin:/sbin

here()   { command -v "$1" >/dev/null 2>&1; }
pc()     { for p; do pkg-config --exists "$p" 2>/dev/null && return 0; done; return 1; }

if [ -n "${PETSC_DIR:-}" ]; then
  export PKG_CONFIG_PATH="$PETSC_DIR/${PETSC_ARCH:-}/lib/pkgconfig:$PETSC_DIR/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
fi
has_mpi()   { here mpicc && here mpiexec; }
has_petsc() { pc PETSc petsc || [ -e "${PETSC_DIR:-/nowhere}/include/petsc.h" ]; }
has_hdf5()  {
  pc hdf5-openmpi hdf5-mpich hdf5-mpi || here h5pcc && return 0
  for d in "${HDF5_DIR:-}" "${HDF5_ROOT:-}"; do [ -n "$d" ] && [ -e "$d/include/hdf5.h" ] && return 0; done
  pc hdf5 && grep -qs 'define H5_HAVE_PARALLEL 1' "$(pkg-config --variable=includedir hdf5)/H5pubconf.h"
}
has_yaml()  { pc yaml-0.1 || [ -e "${YAML_DIR:-/nowhere}/include/yaml.h" ]; }

# --- Debian: the packages of each set that are missing, by what they bring
installed() { dpkg-query -W -f='${Status}\n' "$1" 2>/dev/null | grep -q ' installed$'; }
petsc_package() {
  if apt-cache show libpetsc-real3.18-dev >/dev/null 2>&1; then echo libpetsc-real3.18-dev
  else echo libpetsc-real-dev; fi
}
missing_build() {
  here gcc                   || echo gcc
  [ -e /usr/include/stdio.h ] || echo libc6-dev
  here make                  || echo make
  here pkg-config            || echo pkg-config
  has_mpi                    || echo openmpi-bin libopenmpi-dev
  has_petsc                  || petsc_package
  has_hdf5                   || echo libhdf5-openmpi-dev
  has_yaml                   || echo libyaml-dev
}
missing_test() {
  here prove  || echo perl
  here h5dump || echo hdf5-tools
  for p in python3-numpy python3-scipy python3-h5py; do installed $p || echo $p; done
}
missing_check() {
  here clang-format || echo clang-format
  installed universal-ctags || echo universal-ctags
}
missing_slurm() {
  here slurmctld || echo slurmctld
  here slurmd    || echo slurmd
  here sbatch    || echo slurm-client
  here munged    || echo munge
  here ip        || echo iproute2
}
missing() { for set in build $sets; do missing_$set; done | tr ' ' '\n' | sort -u | tr '\n' ' '; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
install() { # install PACKAGE…: quietly; once more with fresh package lists if the first try fails
  log=$(mktemp) || return 1
  apt="as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600"
  $apt install --no-install-recommends "$@" >"$log" 2>&1 ||
    { $apt update && $apt install --no-install-recommends "$@"; } >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; echo "deps: apt-get could not install: $*" >&2; rm -f "$log"; return 1; }
  rm -f "$log"
}
debian() {
  want=$(missing)
  [ -z "$want" ] && return 0
  [ "$(id -u)" = 0 ] || here sudo || { echo "deps: missing, and no sudo to install them: $want" >&2; return 1; }
  for p in $want; do
    apt-cache show "$p" >/dev/null 2>&1 && continue
    as_root apt-get -q update >/dev/null 2>&1
    want=$(missing)
    break
  done
  echo "deps: installing ${want% }"
  install $want
}

# --- elsewhere: say what to do
lacking=0
lack() { echo "deps: $1 not found. $2" >&2; lacking=1; }
elsewhere() {
  has_mpi   || lack "MPI (mpicc, mpiexec)" "Load its module, or: spack install openmpi"
  has_petsc || lack "PETSc (real numbers)" \
    "Load its module, set PETSC_DIR (and PETSC_ARCH) or PKG_CONFIG_PATH, or: spack install petsc~complex"
  has_hdf5  || lack "HDF5 with MPI" \
    "Load its module (parallel build), set HDF5_DIR or put h5pcc on the PATH, or: spack install hdf5+mpi"
  has_yaml  || lack "libyaml" \
    "Install its development package, set YAML_DIR or PKG_CONFIG_PATH, or: spack install libyaml"
  for set in $sets; do
    case $set in
    test)  here prove || lack "prove (Perl's test runner)" "Install Perl"
           python3 -c 'import numpy, scipy, h5py' 2>/dev/null ||
             lack "Python 3 with numpy, scipy and h5py" "Only the tests need it: pip install numpy scipy h5py" ;;
    check) here clang-format || lack "clang-format" "Install clang-tools"
           here ctags || lack "ctags" "Install Universal Ctags" ;;
    slurm) here slurmctld && here slurmd && here sbatch && here munged && here ip ||
             lack "slurmctld, slurmd, sbatch, munged or ip" "The test cluster needs Slurm, munge and iproute2" ;;
    esac
  done
  return $lacking
}

sets=
for set; do
  case $set in
  build) ;;
  test | check | slurm) sets="$sets $set" ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done
if here apt-get; then debian; else elsewhere; fi
