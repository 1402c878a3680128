/* As $kind, of tensors that repeat.  out may be one that does not. */
static void ${kind}_broadcast(const struct ${kind}_broadcast *layer, const int8_t *a,
                              const int8_t *b, int8_t *out)
{
    for (int32_t i = 0; i < layer->size; i++)
        $kind(&layer->one, a + place(&layer->a, i), b + place(&layer->b, i), out + i);
}
