internal import Files
public import Torch

extension Device {
  /// The name that stands for the fastest device of the machine.
  public static let automatic = "auto"

  /// The device with a name, or the fastest device for "auto", ready for use.
  ///
  /// Call it before the process makes its first tensor.
  ///
  /// - Throws: `RunError` for an unknown name, `Device.Unavailable`.
  public static func prepared(_ name: String) throws -> Device {
    if name == automatic { return best() }
    guard let device = Device(name) else { throw unknown(name) }
    try device.prepare()
    return device
  }

  static func unknown(_ name: String) -> RunError {
    RunError(.usage, "\(option: "device") needs auto, cpu, cuda, cuda:N or mps, not \(name)")
  }
}
