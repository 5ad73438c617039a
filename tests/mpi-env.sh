# Settings under which Open MPI 4 and 5 run as root, on few cores and in containers, without noise. Source it: . tests/mpi-env.sh
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMPI_MCA_hwloc_base_binding_policy=none PRTE_MCA_hwloc_default_binding_policy=none
export OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader,tcp OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_oob_tcp_keepalive_time=5 OMPI_MCA_oob_tcp_keepalive_intvl=2 OMPI_MCA_oob_tcp_keepalive_probes=3
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
grep -qs localhost /etc/hosts || export RES_OPTIONS='timeout:1 attempts:1' # a root without /etc/hosts asks a name server for localhost
export HWLOC_HIDE_ERRORS=2 # no word about a missing /sys
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0} # Open MPI leaks at its end
