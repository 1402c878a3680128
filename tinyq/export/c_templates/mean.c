/* The zero_point leaves the sum, which equation (5.4) then takes to a grid of its own. */
static void mean(const struct mean *layer, const int8_t *in, int8_t *out)
{
    for (int32_t i = 0; i < layer->size; i++) {
        const int8_t *first = in + place(&layer->kept, i);
        int32_t sum = 0;
        for (int32_t j = 0; j < layer->count; j++)
            sum += first[place(&layer->reduced, j)];
        const int32_t steps = (int32_t)(sum - (int64_t)layer->count * layer->in_zero_point);
        const int64_t code = rescale_double(steps, layer->multiplier, layer->shift);
        out[i] = saturate(code + layer->out_grid.zero_point, &layer->out_grid);
    }
}
