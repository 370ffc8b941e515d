internal import CCUDADriver

extension CUDAFunctions {
  /// The driver's library as installed on every Linux machine with an NVIDIA driver.
  public static let libraryPath = "libcuda.so.1"

  /// Opens the driver's library and finds every function in it.
  ///
  /// The library stays open until the process ends: the driver starts threads of its own, and closing
  /// it under them crashes. Throws `libraryMissing` or `functionMissing`.
  public static func load(path: String = libraryPath) throws(CUDAError) -> CUDAFunctions {
    let library = try DynamicLibrary(path: path)
    return unsafe try CUDAFunctions { (names) throws(CUDAError) in unsafe try library.symbol(names)
    }
  }

  /// A table in which every call gives `CUDA_ERROR_NOT_SUPPORTED`; a fake replaces what it plays.
  public static func unsupported() throws(CUDAError) -> CUDAFunctions {
    // One function stands for all: a callee may ignore arguments in the C conventions of x86-64 and
    // Arm, so its having none is harmless.
    let stub: @convention(c) () -> CUresult = { CUDAErrorCode.notSupported.rawValue }
    let address = unsafe unsafeBitCast(stub, to: UnsafeMutableRawPointer.self)
    return unsafe try CUDAFunctions { (names) throws(CUDAError) in unsafe address }
  }

  /// Fills the table; `find` gives the address of the first of some names.
  private init(
    _ find: ([String]) throws(CUDAError) -> UnsafeMutableRawPointer
  ) throws(CUDAError) {
    func take<Function>(_ name: String, as type: Function.Type) throws(CUDAError) -> Function {
      unsafe unsafeBitCast(try find([name]), to: type)
    }
    func take<Function>(_ names: [String], as type: Function.Type) throws(CUDAError) -> Function {
      unsafe unsafeBitCast(try find(names), to: type)
    }
    unsafe cuGetErrorName = try take("cuGetErrorName", as: PFN_cuGetErrorName.self)
    unsafe cuGetErrorString = try take("cuGetErrorString", as: PFN_cuGetErrorString.self)
    cuInit = try take("cuInit", as: PFN_cuInit.self)
    unsafe cuDriverGetVersion = try take("cuDriverGetVersion", as: PFN_cuDriverGetVersion.self)
    unsafe cuDeviceGetCount = try take("cuDeviceGetCount", as: PFN_cuDeviceGetCount.self)
    unsafe cuDeviceGet = try take("cuDeviceGet", as: PFN_cuDeviceGet.self)
    unsafe cuDeviceGetName = try take("cuDeviceGetName", as: PFN_cuDeviceGetName.self)
    unsafe cuDeviceGetPCIBusId = try take("cuDeviceGetPCIBusId", as: PFN_cuDeviceGetPCIBusId.self)
    unsafe cuDeviceGetAttribute = try take(
      "cuDeviceGetAttribute", as: PFN_cuDeviceGetAttribute.self)
    unsafe cuDeviceTotalMem_v2 = try take("cuDeviceTotalMem_v2", as: PFN_cuDeviceTotalMem.self)
    unsafe cuDevicePrimaryCtxRetain = try take(
      "cuDevicePrimaryCtxRetain", as: PFN_cuDevicePrimaryCtxRetain.self)
    cuDevicePrimaryCtxRelease_v2 = try take(
      "cuDevicePrimaryCtxRelease_v2", as: PFN_cuDevicePrimaryCtxRelease.self)
    unsafe cuCtxSetCurrent = try take("cuCtxSetCurrent", as: PFN_cuCtxSetCurrent.self)
    cuCtxSynchronize = try take("cuCtxSynchronize", as: PFN_cuCtxSynchronize.self)
    unsafe cuMemGetInfo_v2 = try take("cuMemGetInfo_v2", as: PFN_cuMemGetInfo.self)
    unsafe cuMemAlloc_v2 = try take("cuMemAlloc_v2", as: PFN_cuMemAlloc.self)
    cuMemFree_v2 = try take("cuMemFree_v2", as: PFN_cuMemFree.self)
    unsafe cuMemAllocHost_v2 = try take("cuMemAllocHost_v2", as: PFN_cuMemAllocHost.self)
    unsafe cuMemFreeHost = try take("cuMemFreeHost", as: PFN_cuMemFreeHost.self)
    unsafe cuMemcpyHtoD_v2 = try take("cuMemcpyHtoD_v2", as: PFN_cuMemcpyHtoD.self)
    unsafe cuMemcpyDtoH_v2 = try take("cuMemcpyDtoH_v2", as: PFN_cuMemcpyDtoH.self)
    unsafe cuMemcpyHtoDAsync_v2 = try take("cuMemcpyHtoDAsync_v2", as: PFN_cuMemcpyHtoDAsync.self)
    unsafe cuMemcpyDtoHAsync_v2 = try take("cuMemcpyDtoHAsync_v2", as: PFN_cuMemcpyDtoHAsync.self)
    unsafe cuMemsetD8Async = try take("cuMemsetD8Async", as: PFN_cuMemsetD8Async.self)
    unsafe cuMemsetD32Async = try take("cuMemsetD32Async", as: PFN_cuMemsetD32Async.self)
    unsafe cuModuleLoadData = try take("cuModuleLoadData", as: PFN_cuModuleLoadData.self)
    unsafe cuModuleUnload = try take("cuModuleUnload", as: PFN_cuModuleUnload.self)
    unsafe cuModuleGetFunction = try take("cuModuleGetFunction", as: PFN_cuModuleGetFunction.self)
    unsafe cuFuncGetAttribute = try take("cuFuncGetAttribute", as: PFN_cuFuncGetAttribute.self)
    unsafe cuFuncSetAttribute = try take("cuFuncSetAttribute", as: PFN_cuFuncSetAttribute.self)
    unsafe cuLaunchKernel = try take("cuLaunchKernel", as: PFN_cuLaunchKernel.self)
    unsafe cuStreamCreate = try take("cuStreamCreate", as: PFN_cuStreamCreate.self)
    unsafe cuStreamDestroy_v2 = try take("cuStreamDestroy_v2", as: PFN_cuStreamDestroy.self)
    unsafe cuStreamSynchronize = try take("cuStreamSynchronize", as: PFN_cuStreamSynchronize.self)
    unsafe cuStreamBeginCapture_v2 = try take(
      "cuStreamBeginCapture_v2", as: PFN_cuStreamBeginCapture.self)
    unsafe cuStreamEndCapture = try take("cuStreamEndCapture", as: PFN_cuStreamEndCapture.self)
    unsafe cuEventCreate = try take("cuEventCreate", as: PFN_cuEventCreate.self)
    unsafe cuEventDestroy_v2 = try take("cuEventDestroy_v2", as: PFN_cuEventDestroy.self)
    unsafe cuEventRecord = try take("cuEventRecord", as: PFN_cuEventRecord.self)
    unsafe cuEventSynchronize = try take("cuEventSynchronize", as: PFN_cuEventSynchronize.self)
    unsafe cuEventElapsedTime = try take(
      ["cuEventElapsedTime_v2", "cuEventElapsedTime"], as: PFN_cuEventElapsedTime.self)
    unsafe cuGraphInstantiateWithFlags = try take(
      "cuGraphInstantiateWithFlags", as: PFN_cuGraphInstantiateWithFlags.self)
    unsafe cuGraphUpload = try take("cuGraphUpload", as: PFN_cuGraphUpload.self)
    unsafe cuGraphLaunch = try take("cuGraphLaunch", as: PFN_cuGraphLaunch.self)
    unsafe cuGraphDestroy = try take("cuGraphDestroy", as: PFN_cuGraphDestroy.self)
    unsafe cuGraphExecDestroy = try take("cuGraphExecDestroy", as: PFN_cuGraphExecDestroy.self)
  }
}
