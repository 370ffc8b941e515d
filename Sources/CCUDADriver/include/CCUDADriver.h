/// The part of NVIDIA's public CUDA driver API, NVML and cuBLAS that Reprise calls, declared here so that
/// no toolkit is needed to build. Names and types are those of the CUDA Driver API Reference Manual,
/// the NVML API Reference and the cuBLAS documentation; a handle is opaque on this side too. The suffixed names (`_v2`) are
/// the current ABI: the plain ones are kept by the driver for programs built before CUDA 4.

#ifndef REPRISE_CCUDADRIVER_H
#define REPRISE_CCUDADRIVER_H

#include <stddef.h>
#include <stdint.h>

typedef int32_t CUresult;
typedef int32_t CUdevice;
typedef uint64_t CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;

#pragma clang assume_nonnull begin

// Errors, versions
typedef CUresult (*PFN_cuGetErrorName)(CUresult, const char *_Nullable *_Nonnull);
typedef CUresult (*PFN_cuGetErrorString)(CUresult, const char *_Nullable *_Nonnull);
typedef CUresult (*PFN_cuInit)(uint32_t flags);
typedef CUresult (*PFN_cuDriverGetVersion)(int32_t *version);

// Devices
typedef CUresult (*PFN_cuDeviceGetCount)(int32_t *count);
typedef CUresult (*PFN_cuDeviceGet)(CUdevice *device, int32_t ordinal);
typedef CUresult (*PFN_cuDeviceGetName)(char *name, int32_t capacity, CUdevice);
typedef CUresult (*PFN_cuDeviceGetPCIBusId)(char *identifier, int32_t capacity, CUdevice);
typedef CUresult (*PFN_cuDeviceGetAttribute)(int32_t *value, int32_t attribute, CUdevice);
typedef CUresult (*PFN_cuDeviceTotalMem)(size_t *bytes, CUdevice);

// Contexts
typedef CUresult (*PFN_cuDevicePrimaryCtxRetain)(CUcontext _Nullable *_Nonnull context, CUdevice);
typedef CUresult (*PFN_cuDevicePrimaryCtxRelease)(CUdevice);
typedef CUresult (*PFN_cuCtxSetCurrent)(CUcontext _Nullable);
typedef CUresult (*PFN_cuCtxSynchronize)(void);

// Memory
typedef CUresult (*PFN_cuMemGetInfo)(size_t *free_bytes, size_t *total_bytes);
typedef CUresult (*PFN_cuMemAlloc)(CUdeviceptr *address, size_t bytes);
typedef CUresult (*PFN_cuMemFree)(CUdeviceptr);
typedef CUresult (*PFN_cuMemAllocHost)(void *_Nullable *_Nonnull address, size_t bytes);
typedef CUresult (*PFN_cuMemFreeHost)(void *);
typedef CUresult (*PFN_cuMemcpyHtoD)(CUdeviceptr to, const void *from, size_t bytes);
typedef CUresult (*PFN_cuMemcpyDtoH)(void *to, CUdeviceptr from, size_t bytes);
typedef CUresult (*PFN_cuMemcpyHtoDAsync)(CUdeviceptr to, const void *from, size_t bytes,
                                          CUstream _Nullable);
typedef CUresult (*PFN_cuMemcpyDtoHAsync)(void *to, CUdeviceptr from, size_t bytes,
                                          CUstream _Nullable);
typedef CUresult (*PFN_cuMemsetD8Async)(CUdeviceptr, uint8_t value, size_t count,
                                        CUstream _Nullable);
typedef CUresult (*PFN_cuMemsetD32Async)(CUdeviceptr, uint32_t value, size_t count,
                                         CUstream _Nullable);

// Modules and functions
typedef CUresult (*PFN_cuModuleLoadData)(CUmodule _Nullable *_Nonnull module, const void *image);
typedef CUresult (*PFN_cuModuleUnload)(CUmodule);
typedef CUresult (*PFN_cuModuleGetFunction)(CUfunction _Nullable *_Nonnull function, CUmodule,
                                            const char *name);
typedef CUresult (*PFN_cuFuncGetAttribute)(int32_t *value, int32_t attribute, CUfunction);
typedef CUresult (*PFN_cuFuncSetAttribute)(CUfunction, int32_t attribute, int32_t value);
typedef CUresult (*PFN_cuLaunchKernel)(CUfunction, uint32_t grid_x, uint32_t grid_y,
                                       uint32_t grid_z, uint32_t block_x, uint32_t block_y,
                                       uint32_t block_z, uint32_t shared_bytes,
                                       CUstream _Nullable, void *_Nullable *_Nullable parameters,
                                       void *_Nullable *_Nullable extra);

// Streams, events, graphs
typedef CUresult (*PFN_cuStreamCreate)(CUstream _Nullable *_Nonnull stream, uint32_t flags);
typedef CUresult (*PFN_cuStreamDestroy)(CUstream);
typedef CUresult (*PFN_cuStreamSynchronize)(CUstream);
typedef CUresult (*PFN_cuStreamBeginCapture)(CUstream, int32_t mode);
typedef CUresult (*PFN_cuStreamEndCapture)(CUstream, CUgraph _Nullable *_Nonnull graph);
typedef CUresult (*PFN_cuEventCreate)(CUevent _Nullable *_Nonnull event, uint32_t flags);
typedef CUresult (*PFN_cuEventDestroy)(CUevent);
typedef CUresult (*PFN_cuEventRecord)(CUevent, CUstream _Nullable);
typedef CUresult (*PFN_cuEventSynchronize)(CUevent);
typedef CUresult (*PFN_cuEventElapsedTime)(float *milliseconds, CUevent start, CUevent end);
typedef CUresult (*PFN_cuGraphInstantiateWithFlags)(CUgraphExec _Nullable *_Nonnull executable, CUgraph,
                                                    uint64_t flags);
typedef CUresult (*PFN_cuGraphUpload)(CUgraphExec, CUstream _Nullable);
typedef CUresult (*PFN_cuGraphLaunch)(CUgraphExec, CUstream _Nullable);
typedef CUresult (*PFN_cuGraphDestroy)(CUgraph);
typedef CUresult (*PFN_cuGraphExecDestroy)(CUgraphExec);

// NVML: what the clocks do while kernels are timed
typedef int32_t nvmlReturn_t;
typedef struct nvmlDevice_st *nvmlDevice_t;
typedef nvmlReturn_t (*PFN_nvmlInit)(void);
typedef nvmlReturn_t (*PFN_nvmlShutdown)(void);
typedef nvmlReturn_t (*PFN_nvmlSystemGetDriverVersion)(char *version, uint32_t capacity);
typedef nvmlReturn_t (*PFN_nvmlDeviceGetHandleByPciBusId)(const char *identifier,
                                                          nvmlDevice_t _Nullable *_Nonnull device);
typedef nvmlReturn_t (*PFN_nvmlDeviceGetClockInfo)(nvmlDevice_t, int32_t domain,
                                                   uint32_t *megahertz);
typedef nvmlReturn_t (*PFN_nvmlDeviceGetCurrentClocksThrottleReasons)(nvmlDevice_t,
                                                                      uint64_t *reasons);

// cuBLAS: the matrix products of an engine
typedef int32_t cublasStatus_t;
typedef struct cublasContext *cublasHandle_t;
typedef cublasStatus_t (*PFN_cublasCreate)(cublasHandle_t _Nullable *_Nonnull handle);
typedef cublasStatus_t (*PFN_cublasDestroy)(cublasHandle_t);
typedef cublasStatus_t (*PFN_cublasSetStream)(cublasHandle_t, CUstream _Nullable);
typedef cublasStatus_t (*PFN_cublasSetWorkspace)(cublasHandle_t, void *workspace, size_t bytes);
typedef cublasStatus_t (*PFN_cublasGemmEx)(cublasHandle_t, int32_t a_operation, int32_t b_operation,
                                           int32_t m, int32_t n, int32_t k, const void *alpha,
                                           const void *a, int32_t a_type, int32_t lda,
                                           const void *b, int32_t b_type, int32_t ldb,
                                           const void *beta, void *c, int32_t c_type, int32_t ldc,
                                           int32_t compute_type, int32_t algorithm);

#pragma clang assume_nonnull end

#endif
