struct reshape {
    int32_t size;
};
