/* Each code on another grid, by equation (5.9).  out may be in. */
static void requantize(const struct requantize *layer, const int8_t *in, int8_t *out)
{
    for (int32_t i = 0; i < layer->size; i++) {
        const int64_t code = rescale(&layer->requantizer, 0, in[i] - layer->in_zero_point);
        out[i] = saturate(code + layer->out_grid.zero_point, &layer->out_grid);
    }
}
