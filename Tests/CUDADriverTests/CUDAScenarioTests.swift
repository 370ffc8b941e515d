import CUDADriver
import CUDADriverFake
import TestSupport
import Testing
import TraceModel

@Suite("The driver is called in the right order")
struct CUDAScenarioTests {
  @Test("a measurement loads, allocates, captures, launches, times and gives everything back")
  func measurement() throws {
    let fake = FakeCUDADriver()
    let time = try Scenario.measure(on: fake, launches: 4)
    #expect(time == Nanoseconds(100_000))
    #expect(fake.leaks == [])
    let difference = try Golden.difference(fake.transcript, from: "measurement.txt")
    #expect(difference == nil, "\(difference ?? "")")
  }

  @Test("copies through plain and pinned memory bring back what was written")
  func copies() throws {
    let fake = FakeCUDADriver()
    let driver = try CUDADriver(functions: fake.functions())
    do {
      let context = try CUDAContext(on: CUDADevice(0, of: driver))
      let stream = try CUDAStream(in: context)
      let buffer = try CUDADeviceBuffer(ByteCount(16), in: context)
      let pinned = try CUDAPinnedBuffer(ByteCount(8), in: context)
      #expect(try buffer.bytes(count: 2) == [0xA5, 0xA5])
      let bytes: [UInt8] = [1, 2, 3, 4]
      unsafe try buffer.write(bytes.span.bytes, at: 12)
      try buffer.enqueueFill(words: 0x0807_0605, count: 1, at: 4, on: stream)
      pinned.withBytes { bytes in
        bytes.storeBytes(of: 9, toByteOffset: 0, as: UInt8.self)
      }
      try buffer.enqueueWrite(from: pinned, count: 1, at: 3, on: stream)
      try buffer.enqueueRead(into: pinned, count: 4, at: 12, on: stream)
      try stream.synchronize()
      let last = pinned.withBytes {
        unsafe $0.unsafeLoadUnaligned(fromByteOffset: 3, as: UInt8.self)
      }
      #expect(last == 4)
      #expect(try buffer.bytes(at: 3, count: 5) == [9, 5, 6, 7, 8])
      #expect(try buffer.bytes(at: 12, count: 4) == bytes)
    }
    #expect(fake.leaks == [])
    #expect(driver.releaseFailures == [])
  }

  @Test("a device says its name, architecture, size and place")
  func device() throws {
    let driver = try CUDADriver(functions: FakeCUDADriver().functions())
    let device = try CUDADevice(0, of: driver)
    #expect(try driver.version() == "13.1")
    #expect(try driver.deviceCount() == 1)
    #expect(try device.name() == "NVIDIA Fake 200")
    #expect(try device.busIdentifier() == "0000:17:00.0")
    #expect(try device.architecture() == "sm_90")
    #expect(try device.value(of: .smCount) == 132)
    #expect(try device.value(of: .l2CacheSize) == 60 << 20)
    #expect(try device.totalMemory() == ByteCount(1 << 30))
  }

  @Test("objects may be let go in any order, for the context goes last")
  func anyOrder() throws {
    let fake = FakeCUDADriver()
    let driver = try CUDADriver(functions: fake.functions())
    func stream() throws -> CUDAStream {
      let context = try CUDAContext(on: CUDADevice(0, of: driver))
      return try CUDAStream(in: context)
    }
    do { try stream().synchronize() }
    #expect(
      fake.lines.suffix(3) == [
        "cuStreamDestroy_v2(stream 2)", "cuCtxSetCurrent(none)",
        "cuDevicePrimaryCtxRelease_v2(context 1)",
      ])
  }
}
