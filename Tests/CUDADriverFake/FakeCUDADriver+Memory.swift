import CCUDADriver
import CUDADriver

extension FakeCUDADriver {
  /// Bytes of a buffer that are there in truth; copies past them are only written down.
  private static let realBytesMax = 1 << 24

  private var usedBytes: Int {
    live.values.reduce(0) { sum, object in
      if case .memory(let bytes) = object { sum + bytes } else { sum }
    }
  }

  func fillMemory(_ table: inout CUDAFunctions) {
    unsafe table.cuMemGetInfo_v2 = { free, total in
      self.call("cuMemGetInfo_v2") {
        unsafe free.pointee = self.memoryBytes - self.usedBytes
        unsafe total.pointee = self.memoryBytes
        return "\(self.memoryBytes - self.usedBytes) of \(self.memoryBytes)"
      }
    }
    unsafe table.cuMemAlloc_v2 = { address, bytes in
      if bytes > self.memoryBytes - self.usedBytes {
        self.fail("cuMemAlloc_v2", with: .outOfMemory)
      }
      return self.call("cuMemAlloc_v2", "\(bytes)") {
        let number = self.take(.memory(bytes: bytes))
        // More than is ever copied need not be there in truth.
        let real = UnsafeMutableRawBufferPointer.allocate(
          byteCount: min(bytes, Self.realBytesMax), alignment: 16)
        // Poison: what nobody wrote must not look like a result.
        unsafe real.initializeMemory(as: UInt8.self, repeating: 0xA5)
        unsafe self.storage[number] = unsafe real
        unsafe address.pointee = UInt64(number * self.spacing)
        return "device memory \(number)"
      }
    }
    table.cuMemFree_v2 = { address in
      let number = Int(address) / self.spacing
      unsafe self.storage.removeValue(forKey: number)?.deallocate()
      return self.release("cuMemFree_v2", number)
    }
    unsafe table.cuMemAllocHost_v2 = { address, bytes in
      self.call("cuMemAllocHost_v2", "\(bytes)") {
        let number = self.take(.pinned(bytes: bytes))
        let real = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 16)
        unsafe self.storage[number] = unsafe real
        unsafe address.pointee = real.baseAddress
        return "pinned memory \(number)"
      }
    }
    unsafe table.cuMemFreeHost = { address in
      let number = unsafe self.pinnedNumber(address)
      unsafe self.storage.removeValue(forKey: number)?.deallocate()
      return self.release("cuMemFreeHost", number)
    }
  }

  func fillCopies(_ table: inout CUDAFunctions) {
    unsafe table.cuMemcpyHtoD_v2 = { to, from, bytes in
      self.call("cuMemcpyHtoD_v2", "\(self.place(to)), \(bytes)") {
        guard self.isReal(to, bytes) else { return "" }
        unsafe self.host(to).copyMemory(from: from, byteCount: bytes)
        return ""
      }
    }
    unsafe table.cuMemcpyDtoH_v2 = { to, from, bytes in
      self.call("cuMemcpyDtoH_v2", "\(self.place(from)), \(bytes)") {
        unsafe to.copyMemory(from: self.host(from), byteCount: bytes)
        return ""
      }
    }
    unsafe table.cuMemcpyHtoDAsync_v2 = { to, from, bytes, stream in
      unsafe self.call(
        "cuMemcpyHtoDAsync_v2", "\(self.place(to)), \(bytes), stream \(Self.number(stream))"
      ) {
        guard self.isReal(to, bytes) else { return "" }
        unsafe self.host(to).copyMemory(from: from, byteCount: bytes)
        return ""
      }
    }
    unsafe table.cuMemcpyDtoHAsync_v2 = { to, from, bytes, stream in
      unsafe self.call(
        "cuMemcpyDtoHAsync_v2", "\(self.place(from)), \(bytes), stream \(Self.number(stream))"
      ) {
        unsafe to.copyMemory(from: self.host(from), byteCount: bytes)
        return ""
      }
    }
    unsafe table.cuMemsetD8Async = { address, value, count, stream in
      self.call(
        "cuMemsetD8Async",
        unsafe "\(self.place(address)), \(value), \(count), stream \(Self.number(stream))"
      ) {
        unsafe self.host(address).initializeMemory(
          as: UInt8.self, repeating: value, count: min(count, Self.realBytesMax))
        return ""
      }
    }
    unsafe table.cuMemsetD32Async = { address, value, count, stream in
      self.call(
        "cuMemsetD32Async",
        unsafe "\(self.place(address)), \(value), \(count), stream \(Self.number(stream))"
      ) {
        unsafe self.host(address).initializeMemory(as: UInt32.self, repeating: value, count: count)
        return ""
      }
    }
  }

  private func place(_ address: CUdeviceptr) -> String {
    let offset = Int(address) % self.spacing
    return "device memory \(Int(address) / self.spacing)" + (offset == 0 ? "" : " + \(offset)")
  }

  private func isReal(_ address: CUdeviceptr, _ count: Int) -> Bool {
    Int(address) % spacing + count <= Self.realBytesMax
  }

  private func host(_ address: CUdeviceptr) -> UnsafeMutableRawPointer {
    let number = Int(address) / self.spacing
    guard let start = unsafe storage[number]?.baseAddress else {
      fatalError("the copy names device memory \(number), which there is not")
    }
    return unsafe start + Int(address) % self.spacing
  }

  private func pinnedNumber(_ address: UnsafeMutableRawPointer) -> Int {
    unsafe storage.first { unsafe $0.value.baseAddress == address }?.key ?? 0
  }
}
