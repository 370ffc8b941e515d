internal import CCUDADriver
public import TraceModel

/// One GPU and what it says of itself.
public struct CUDADevice {
  /// The driver that it was asked of.
  public let driver: CUDADriver
  /// Its number among those that this process may use.
  public let ordinal: Int
  let handle: Int32

  /// The GPU of a number below `CUDADriver.deviceCount()`.
  public init(_ ordinal: Int, of driver: CUDADriver) throws(CUDAError) {
    var handle: Int32 = 0
    try driver.check(
      "cuDeviceGet",
      unsafe driver.functions.cuDeviceGet(&handle, Int32(truncatingIfNeeded: ordinal)))
    self.driver = driver
    self.ordinal = ordinal
    self.handle = handle
  }

  /// Its name, such as `NVIDIA H200`.
  public func name() throws(CUDAError) -> String {
    var bytes = [CChar](repeating: 0, count: CUDALimits.deviceNameBytesMax)
    try driver.check(
      "cuDeviceGetName",
      unsafe driver.functions.cuDeviceGetName(&bytes, Int32(bytes.count), handle))
    return Self.text(bytes)
  }

  /// Its place on the PCI bus, by which NVML knows it too.
  public func busIdentifier() throws(CUDAError) -> String {
    var bytes = [CChar](repeating: 0, count: CUDALimits.busIdentifierBytesMax)
    try driver.check(
      "cuDeviceGetPCIBusId",
      unsafe driver.functions.cuDeviceGetPCIBusId(&bytes, Int32(bytes.count), handle))
    return Self.text(bytes)
  }

  /// Its memory, used and free.
  public func totalMemory() throws(CUDAError) -> ByteCount {
    var bytes = 0
    try driver.check(
      "cuDeviceTotalMem_v2", unsafe driver.functions.cuDeviceTotalMem_v2(&bytes, handle))
    return ByteCount(Int64(bytes))
  }

  /// One of its attributes, in the attribute's own unit.
  public func value(of attribute: Attribute) throws(CUDAError) -> Int {
    var value: Int32 = 0
    try driver.check(
      "cuDeviceGetAttribute",
      unsafe driver.functions.cuDeviceGetAttribute(&value, attribute.rawValue, handle))
    return Int(value)
  }

  /// Its compute capability as compilers spell it, such as `sm_90`.
  public func architecture() throws(CUDAError) -> String {
    let major = try value(of: .computeCapabilityMajor)
    return "sm_\(major)\(try value(of: .computeCapabilityMinor))"
  }

  /// What a device can be asked, numbered as in `CUdevice_attribute`.
  public enum Attribute: Int32, Sendable, CaseIterable {
    /// The highest SM clock, in kHz.
    case clockRate = 13
    /// Streaming multiprocessors.
    case smCount = 16
    /// The highest memory clock, in kHz.
    case memoryClockRate = 36
    /// Width of the memory bus, in bits.
    case memoryBusWidth = 37
    /// L2 cache, in bytes.
    case l2CacheSize = 38
    /// Threads that fit on one SM.
    case threadsPerSM = 39
    /// The compute capability before its point.
    case computeCapabilityMajor = 75
    /// The compute capability behind its point.
    case computeCapabilityMinor = 76
    /// Shared memory of one SM, in bytes.
    case sharedMemoryPerSM = 81
    /// The most shared memory that one CTA may ask for, in bytes.
    case sharedMemoryPerCTAMax = 97
  }

  private static func text(_ bytes: [CChar]) -> String {
    String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
