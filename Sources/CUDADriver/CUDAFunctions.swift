public import CCUDADriver

/// The functions of the CUDA driver API that this program calls, one property each.
///
/// The first of three layers: nothing is checked here. `CUDADriver` checks every call, and owned
/// objects such as `CUDADeviceBuffer` call that. The properties are plain closures, so that a fake
/// can stand in for the driver. Meanings and units: CUDA Driver API Reference Manual.
@safe public struct CUDAFunctions {
  // Errors and versions
  /// The driver's `cuGetErrorName`.
  public var cuGetErrorName: (CUresult, UnsafeMutablePointer<UnsafePointer<CChar>?>) -> CUresult
  /// The driver's `cuGetErrorString`.
  public var cuGetErrorString: (CUresult, UnsafeMutablePointer<UnsafePointer<CChar>?>) -> CUresult
  /// The driver's `cuInit`.
  public var cuInit: (UInt32) -> CUresult
  /// The driver's `cuDriverGetVersion`.
  public var cuDriverGetVersion: (UnsafeMutablePointer<Int32>) -> CUresult

  // Devices
  /// The driver's `cuDeviceGetCount`.
  public var cuDeviceGetCount: (UnsafeMutablePointer<Int32>) -> CUresult
  /// The driver's `cuDeviceGet`.
  public var cuDeviceGet: (UnsafeMutablePointer<CUdevice>, Int32) -> CUresult
  /// The driver's `cuDeviceGetName`.
  public var cuDeviceGetName: (UnsafeMutablePointer<CChar>, Int32, CUdevice) -> CUresult
  /// The driver's `cuDeviceGetPCIBusId`.
  public var cuDeviceGetPCIBusId: (UnsafeMutablePointer<CChar>, Int32, CUdevice) -> CUresult
  /// The driver's `cuDeviceGetAttribute`.
  public var cuDeviceGetAttribute: (UnsafeMutablePointer<Int32>, Int32, CUdevice) -> CUresult
  /// The driver's `cuDeviceTotalMem_v2`.
  public var cuDeviceTotalMem_v2: (UnsafeMutablePointer<Int>, CUdevice) -> CUresult

  // Contexts
  /// The driver's `cuDevicePrimaryCtxRetain`.
  public var cuDevicePrimaryCtxRetain: (UnsafeMutablePointer<OpaquePointer?>, CUdevice) -> CUresult
  /// The driver's `cuDevicePrimaryCtxRelease_v2`.
  public var cuDevicePrimaryCtxRelease_v2: (CUdevice) -> CUresult
  /// The driver's `cuCtxSetCurrent`.
  public var cuCtxSetCurrent: (OpaquePointer?) -> CUresult
  /// The driver's `cuCtxSynchronize`.
  public var cuCtxSynchronize: () -> CUresult

  // Memory
  /// The driver's `cuMemGetInfo_v2`.
  public var cuMemGetInfo_v2: (UnsafeMutablePointer<Int>, UnsafeMutablePointer<Int>) -> CUresult
  /// The driver's `cuMemAlloc_v2`.
  public var cuMemAlloc_v2: (UnsafeMutablePointer<CUdeviceptr>, Int) -> CUresult
  /// The driver's `cuMemFree_v2`.
  public var cuMemFree_v2: (CUdeviceptr) -> CUresult
  /// The driver's `cuMemAllocHost_v2`.
  public var cuMemAllocHost_v2: (UnsafeMutablePointer<UnsafeMutableRawPointer?>, Int) -> CUresult
  /// The driver's `cuMemFreeHost`.
  public var cuMemFreeHost: (UnsafeMutableRawPointer) -> CUresult
  /// The driver's `cuMemcpyHtoD_v2`.
  public var cuMemcpyHtoD_v2: (CUdeviceptr, UnsafeRawPointer, Int) -> CUresult
  /// The driver's `cuMemcpyDtoH_v2`.
  public var cuMemcpyDtoH_v2: (UnsafeMutableRawPointer, CUdeviceptr, Int) -> CUresult
  /// The driver's `cuMemcpyHtoDAsync_v2`.
  public var cuMemcpyHtoDAsync_v2: (CUdeviceptr, UnsafeRawPointer, Int, OpaquePointer?) -> CUresult
  /// The driver's `cuMemcpyDtoHAsync_v2`.
  public var cuMemcpyDtoHAsync_v2:
    (
      UnsafeMutableRawPointer, CUdeviceptr, Int, OpaquePointer?
    ) -> CUresult
  /// The driver's `cuMemsetD8Async`.
  public var cuMemsetD8Async: (CUdeviceptr, UInt8, Int, OpaquePointer?) -> CUresult
  /// The driver's `cuMemsetD32Async`.
  public var cuMemsetD32Async: (CUdeviceptr, UInt32, Int, OpaquePointer?) -> CUresult

  // Modules and functions
  /// The driver's `cuModuleLoadData`.
  public var cuModuleLoadData: (UnsafeMutablePointer<OpaquePointer?>, UnsafeRawPointer) -> CUresult
  /// The driver's `cuModuleUnload`.
  public var cuModuleUnload: (OpaquePointer) -> CUresult
  /// The driver's `cuModuleGetFunction`.
  public var cuModuleGetFunction:
    (
      UnsafeMutablePointer<OpaquePointer?>, OpaquePointer, UnsafePointer<CChar>
    ) -> CUresult
  /// The driver's `cuFuncGetAttribute`.
  public var cuFuncGetAttribute: (UnsafeMutablePointer<Int32>, Int32, OpaquePointer) -> CUresult
  /// The driver's `cuFuncSetAttribute`.
  public var cuFuncSetAttribute: (OpaquePointer, Int32, Int32) -> CUresult
  /// The driver's `cuLaunchKernel`.
  public var cuLaunchKernel:
    (
      OpaquePointer, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, OpaquePointer?,
      UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
      UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    ) -> CUresult

  // Streams, events, graphs
  /// The driver's `cuStreamCreate`.
  public var cuStreamCreate: (UnsafeMutablePointer<OpaquePointer?>, UInt32) -> CUresult
  /// The driver's `cuStreamDestroy_v2`.
  public var cuStreamDestroy_v2: (OpaquePointer) -> CUresult
  /// The driver's `cuStreamSynchronize`.
  public var cuStreamSynchronize: (OpaquePointer) -> CUresult
  /// The driver's `cuStreamBeginCapture_v2`.
  public var cuStreamBeginCapture_v2: (OpaquePointer, Int32) -> CUresult
  /// The driver's `cuStreamEndCapture`.
  public var cuStreamEndCapture: (OpaquePointer, UnsafeMutablePointer<OpaquePointer?>) -> CUresult
  /// The driver's `cuEventCreate`.
  public var cuEventCreate: (UnsafeMutablePointer<OpaquePointer?>, UInt32) -> CUresult
  /// The driver's `cuEventDestroy_v2`.
  public var cuEventDestroy_v2: (OpaquePointer) -> CUresult
  /// The driver's `cuEventRecord`.
  public var cuEventRecord: (OpaquePointer, OpaquePointer?) -> CUresult
  /// The driver's `cuEventSynchronize`.
  public var cuEventSynchronize: (OpaquePointer) -> CUresult
  /// The driver's `cuEventElapsedTime`.
  public var cuEventElapsedTime:
    (
      UnsafeMutablePointer<Float>, OpaquePointer, OpaquePointer
    ) -> CUresult
  /// The driver's `cuGraphInstantiateWithFlags`.
  public var cuGraphInstantiateWithFlags:
    (
      UnsafeMutablePointer<OpaquePointer?>, OpaquePointer, UInt64
    ) -> CUresult
  /// The driver's `cuGraphUpload`.
  public var cuGraphUpload: (OpaquePointer, OpaquePointer?) -> CUresult
  /// The driver's `cuGraphLaunch`.
  public var cuGraphLaunch: (OpaquePointer, OpaquePointer?) -> CUresult
  /// The driver's `cuGraphDestroy`.
  public var cuGraphDestroy: (OpaquePointer) -> CUresult
  /// The driver's `cuGraphExecDestroy`.
  public var cuGraphExecDestroy: (OpaquePointer) -> CUresult
}
