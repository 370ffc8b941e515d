internal import CCUDADriver
public import TraceModel

/// Memory of the host that the GPU reads and writes by itself, freed with this value.
@safe public struct CUDAPinnedBuffer: ~Copyable {
  let lifetime: ContextLifetime
  let address: UnsafeMutableRawPointer
  /// Its size.
  public let size: ByteCount

  /// Allocates at least one byte, zeroed.
  public init(_ size: ByteCount, in context: borrowing CUDAContext) throws(CUDAError) {
    precondition(size.rawValue > 0, "a pinned buffer of \(size.rawValue) bytes")
    let driver = context.driver
    var address: UnsafeMutableRawPointer?
    let result = unsafe driver.functions.cuMemAllocHost_v2(&address, Int(size.rawValue))
    try driver.check("cuMemAllocHost_v2", result)
    guard let address = unsafe address else {
      throw driver.failure(of: "cuMemAllocHost_v2", CUDAErrorCode.outOfMemory.rawValue)
    }
    unsafe address.initializeMemory(as: UInt8.self, repeating: 0, count: Int(size.rawValue))
    lifetime = context.lifetime
    unsafe self.address = unsafe address
    self.size = size
  }

  deinit {
    let driver = lifetime.driver
    driver.checkRelease("cuMemFreeHost", unsafe driver.functions.cuMemFreeHost(address))
  }

  /// Lends its bytes, which no work enqueued on a stream may touch meanwhile.
  public func withBytes<Result>(_ body: (inout MutableRawSpan) -> Result) -> Result {
    let buffer = unsafe UnsafeMutableRawBufferPointer(start: address, count: Int(size.rawValue))
    var span = unsafe buffer.mutableBytes
    return body(&span)
  }

  func checkCount(_ count: Int) throws(CUDAError) {
    guard count >= 0, count <= Int(size.rawValue) else {
      throw lifetime.driver.error(.outOfBounds(offset: 0, count: count, size: size))
    }
  }
}
