/* Equation (7.1).  out may be in. */
static void clamp(const struct clamp *layer, const int8_t *in, int8_t *out)
{
    for (int32_t i = 0; i < layer->size; i++) {
        const int8_t lifted = in[i] < layer->low ? layer->low : in[i];
        out[i] = lifted > layer->high ? layer->high : lifted;
    }
}
