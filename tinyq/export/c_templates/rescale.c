/* acc times the ratio of a channel. */
static int64_t rescale(const struct requantizer *requantizer, int32_t channel, int32_t acc)
{
    const struct ratio *ratio = requantizer->ratios + channel * requantizer->step;
    return requantizer->rescale(acc, ratio->multiplier, ratio->shift);
}
