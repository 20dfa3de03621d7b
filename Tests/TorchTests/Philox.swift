/// Philox-4×32-10 from its definition, to compare the engine's with.
///
/// Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3.
enum Philox {
  static func block(counter: [UInt32], key: [UInt32]) -> [UInt32] {
    var (c, k) = (counter, key)
    for round in 0..<10 {
      if round > 0 { k = [k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85] }
      let first = c[0].multipliedFullWidth(by: 0xD251_1F53)
      let second = c[2].multipliedFullWidth(by: 0xCD9E_8D57)
      c = [second.high ^ c[1] ^ k[0], second.low, first.high ^ c[3] ^ k[1], first.low]
    }
    return c
  }

  /// The block of a stream as the package lays it out: counter = (position, stream), key = seed.
  static func block(seed: UInt64, stream: UInt64, position: UInt64) -> [UInt32] {
    func halves(_ word: UInt64) -> [UInt32] { [UInt32(truncatingIfNeeded: word), UInt32(word >> 32)] }
    return block(counter: halves(position) + halves(stream), key: halves(seed))
  }
}
