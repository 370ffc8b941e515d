internal import Glibc

/// A shared library opened at run time, and never closed again.
@safe struct DynamicLibrary {
  private let handle: UnsafeMutableRawPointer
  private let path: String

  /// Opens a library by path, or by name along the linker's paths.
  init(path: String) throws(CUDAError) {
    guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw CUDAError(.libraryMissing(path: path, reason: Self.reason()))
    }
    unsafe self.handle = unsafe handle
    self.path = path
  }

  /// The address of the first name that the library has.
  func symbol(_ names: [String]) throws(CUDAError) -> UnsafeMutableRawPointer {
    for name in names {
      if let address = unsafe dlsym(handle, name) { return unsafe address }
    }
    throw CUDAError(.functionMissing(name: names.first ?? "", path: path))
  }

  private static func reason() -> String {
    guard let text = unsafe dlerror() else { return "no reason given" }
    return unsafe String(cString: text)
  }
}
