/* Two roundings, the second with ties away from zero: gemmlowp, equation (5.4).
 * multiplier is never negative, so the product cannot saturate. */
static int64_t rescale_double(int32_t acc, int32_t multiplier, int32_t shift)
{
    const int64_t product = (int64_t)shift_left(acc, shift) * multiplier;
    const int64_t half = (int64_t)1 << 30;
    const int64_t nudge = product >= 0 ? half : 1 - half;
    const int32_t high = (int32_t)((product + nudge) / ((int64_t)1 << 31));
    const int32_t right = shift > 0 ? shift : 0;
    const int32_t mask = (int32_t)(((uint32_t)1 << right) - 1);
    const int32_t threshold = (mask >> 1) + (high < 0);
    return (int64_t)(high >> right) + ((high & mask) > threshold);
}
