internal import CCUDADriver
public import TraceModel

/// The primary context of a GPU, current on the thread that made it until the last of its objects is
/// gone.
///
/// Streams, buffers and the rest keep the context alive, so the order in which they are let go does
/// not matter. The primary context, not one of its own: that is what other code in the process uses.
public struct CUDAContext: ~Copyable {
  let lifetime: ContextLifetime

  /// Retains the primary context of a GPU and makes it current on this thread.
  public init(on device: CUDADevice) throws(CUDAError) {
    lifetime = try ContextLifetime(device)
  }

  /// The driver behind it.
  public var driver: CUDADriver { lifetime.driver }
  /// The GPU that it is a context of.
  public var device: CUDADevice { lifetime.device }

  /// Makes it current on the calling thread, for work that has moved there.
  ///
  /// Only one thread at a time may use a context's objects.
  public func makeCurrent() throws(CUDAError) {
    try unsafe driver.check(
      "cuCtxSetCurrent", driver.functions.cuCtxSetCurrent(lifetime.handle))
  }

  /// Waits until the GPU has done everything that it was told; a kernel's failure shows here.
  public func synchronize() throws(CUDAError) {
    try driver.check("cuCtxSynchronize", driver.functions.cuCtxSynchronize())
  }

  /// Device memory left and in all, other processes' use included.
  public func memory() throws(CUDAError) -> (free: ByteCount, total: ByteCount) {
    try driver.memory()
  }
}

/// Releases the primary context when the last object in it is gone.
@safe final class ContextLifetime {
  let device: CUDADevice
  let handle: OpaquePointer?
  var driver: CUDADriver { device.driver }

  init(_ device: CUDADevice) throws(CUDAError) {
    self.device = device
    let functions = device.driver.functions
    var context: OpaquePointer?
    try device.driver.check(
      "cuDevicePrimaryCtxRetain",
      unsafe functions.cuDevicePrimaryCtxRetain(&context, device.handle))
    let current = unsafe functions.cuCtxSetCurrent(context)
    if current != 0 {
      device.driver.checkRelease(
        "cuDevicePrimaryCtxRelease_v2", functions.cuDevicePrimaryCtxRelease_v2(device.handle))
    }
    try device.driver.check("cuCtxSetCurrent", current)
    unsafe handle = unsafe context
  }

  deinit {
    driver.checkRelease("cuCtxSetCurrent", driver.functions.cuCtxSetCurrent(nil))
    driver.checkRelease(
      "cuDevicePrimaryCtxRelease_v2",
      driver.functions.cuDevicePrimaryCtxRelease_v2(device.handle))
  }
}

extension CUDADriver {
  func memory() throws(CUDAError) -> (free: ByteCount, total: ByteCount) {
    var free = 0
    var total = 0
    try check("cuMemGetInfo_v2", unsafe functions.cuMemGetInfo_v2(&free, &total))
    return (ByteCount(Int64(free)), ByteCount(Int64(total)))
  }
}
